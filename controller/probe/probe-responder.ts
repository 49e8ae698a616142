import type { ProbeAsk } from '../../protocol/life.ts'
import type { WireSession } from '../../protocol/wire-session.ts'
import type { Clock } from '../../runtime/clock.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'

/** Uplink trains that are being received at once; a train whose end is lost makes room by age. */
const TRAINS_MAX = 256
/** Largest train, either way: the budget of an agent is below it. */
const PROBE_BYTES_MAX = 16 * 1024 * 1024

interface Train {
  readonly id: number
  readonly blocks: number
  received: number
  bytesAfterFirst: number
  firstAtMs: number
}

/**
 * The controller's half of an agent's link probe: answers clock exchanges, sends downlink trains,
 * and times uplink trains at the receiver (a sender's write callback only sees its socket buffer).
 */
export class ProbeResponder implements Stoppable {
  readonly #wire: WireSession
  readonly #clock: Clock
  readonly #log: Logger
  readonly #trains = new Map<string, Train>()

  constructor(options: {
    readonly wire: WireSession
    readonly clock: Clock
    readonly log: Logger
  }) {
    this.#wire = options.wire
    this.#clock = options.clock
    this.#log = options.log
  }

  async start(): Promise<void> {
    await this.#wire.on('clockAsk', {}, ({ id, t1 }, { agentId }) => {
      const t2 = this.#clock.now()
      this.#send(
        this.#wire.publish('clockTell', { agentId }, { id, t1, t2, t3: this.#clock.now() }),
      )
    })
    await this.#wire.on('probeAsk', {}, (ask, { agentId }) => this.#onAsk(ask, agentId))
    await this.#wire.onBytes('probeUp', {}, (bytes, { agentId, probeId }) =>
      this.#onBlock(agentId, Number(probeId), bytes.length),
    )
  }

  async stop(): Promise<void> {
    this.#trains.clear()
  }

  #onAsk(ask: ProbeAsk, agentId: string): void {
    const { id, direction, blocks, blockBytes } = ask
    if (blocks * blockBytes > PROBE_BYTES_MAX) {
      const reason = `${blocks * blockBytes} bytes asked, at most ${PROBE_BYTES_MAX}`
      this.#send(this.#wire.publish('probeTell', { agentId }, { id, status: 'refused', reason }))
    } else if (direction === 'down') {
      this.#send(this.#sendTrain(ask, agentId))
    } else {
      const oldest = this.#trains.keys().next().value
      if (this.#trains.size >= TRAINS_MAX && oldest) this.#trains.delete(oldest)
      // One train an agent: a newer question ends an unfinished older one.
      this.#trains.set(agentId, { id, blocks, received: 0, bytesAfterFirst: 0, firstAtMs: 0 })
      this.#send(this.#wire.publish('probeTell', { agentId }, { id, status: 'ready' }))
    }
  }

  async #sendTrain({ id, blocks, blockBytes }: ProbeAsk, agentId: string): Promise<void> {
    const block = new Uint8Array(blockBytes)
    for (let index = 0; index < blocks; index++) {
      await this.#wire.publishBytes('probeDown', { agentId, probeId: id, index }, block)
    }
  }

  #onBlock(agentId: string, id: number, bytes: number): void {
    const train = this.#trains.get(agentId)
    if (!train || train.id !== id) return
    const now = this.#clock.now()
    if (train.received === 0) train.firstAtMs = now
    else train.bytesAfterFirst += bytes
    train.received += 1
    if (train.received < train.blocks) return
    this.#trains.delete(agentId)
    this.#send(
      this.#wire.publish(
        'probeTell',
        { agentId },
        {
          id,
          status: 'done',
          receivedBytes: train.bytesAfterFirst,
          durationMs: now - train.firstAtMs,
        },
      ),
    )
  }

  /** A probe is only a question: what cannot be sent now is not worth keeping. */
  #send(sent: Promise<unknown>): void {
    sent.catch(error => this.#log.debug({ reason: messageOf(error) }, 'probe answer not sent'))
  }
}
