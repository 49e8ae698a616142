import { z } from 'zod'
import { MESSAGES } from '../../protocol/messages.ts'
import type { WireSession } from '../../protocol/wire-session.ts'
import { withDeadline } from '../../runtime/deadline.ts'
import { GainnetError } from '../../runtime/errors.ts'

/** A controller that has the message answers within a round trip and one write to its disk. */
const TAKEN_MS_MAX = 10_000

const Numbers = z.object({ session: z.int(), sequence: z.int() })

/**
 * Sends messages of the outbox and resolves when the controller says that it has taken them: PUBACK
 * alone would lose what the broker had and the controller never saw.
 */
export class ConfirmedSend {
  readonly #wire: WireSession
  readonly #agentId: string
  readonly #waits = new Map<string, { resolve: () => void; reject: (error: Error) => void }>()

  constructor({ wire, agentId }: { readonly wire: WireSession; readonly agentId: string }) {
    this.#wire = wire
    this.#agentId = agentId
  }

  async start(): Promise<void> {
    await this.#wire.on('taken', { agentId: this.#agentId }, ({ messages }) => {
      for (const one of messages) this.#waits.get(keyOf(one))?.resolve()
    })
    this.#wire.connection.onDisconnected(reason => {
      const error = new GainnetError('BROKER_UNREACHABLE', reason, { sent: true })
      for (const wait of this.#waits.values()) wait.reject(error)
    })
  }

  /** Rejects with BROKER_UNREACHABLE, or DEADLINE_PASSED where no confirmation comes. */
  async send(topic: string, payload: Uint8Array): Promise<void> {
    const numbers = Numbers.safeParse(JSON.parse(Buffer.from(payload).toString('utf8')))
    if (!numbers.success) throw new GainnetError('PROTOCOL_INVALID', `no numbers in ${topic}`)
    const key = keyOf(numbers.data)
    const taken = new Promise<void>((resolve, reject) => this.#waits.set(key, { resolve, reject }))
    taken.catch(() => undefined)
    const { qos, retain } = MESSAGES.agentEvent
    try {
      await this.#wire.connection.publish(topic, payload, { qos, retain })
      await withDeadline(taken, { ms: TAKEN_MS_MAX, what: 'confirmation by the controller' })
    } finally {
      this.#waits.delete(key)
    }
  }
}

function keyOf({ session, sequence }: z.infer<typeof Numbers>): string {
  return `${session}/${sequence}`
}
