import { decodeBody } from '../protocol/body-codec.ts'
import type { ControllerState } from '../protocol/life.ts'
import { topicFor } from '../protocol/topics.ts'
import type { WireSession } from '../protocol/wire-session.ts'
import { messageOf } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'

/** Before a state that is not ours is replaced: our own may be on its way already. */
const REPAIR_DELAY_MS = 500
/** Two controllers of one site would answer each other for ever. */
const REPAIR_PERIOD_MS = 10_000

/**
 * The controller's retained state: agents hold their results while it is away. It listens to itself:
 * whatever else is retained there, rubbish or the late will of an earlier life, is replaced.
 */
export class ControllerLife {
  readonly #wire: WireSession
  readonly #identity: Pick<ControllerState, 'controllerId' | 'version'>
  readonly #log: Logger
  #state: ControllerState['state'] = 'waiting'
  #reason: string | undefined
  #isForeign = false
  #repairTimer: NodeJS.Timeout | undefined
  #repairedAt = Number.NEGATIVE_INFINITY

  constructor(options: {
    readonly wire: WireSession
    readonly identity: Pick<ControllerState, 'controllerId' | 'version'>
    readonly log: Logger
  }) {
    this.#wire = options.wire
    this.#identity = options.identity
    this.#log = options.log
  }

  async start(): Promise<void> {
    const { site, connection } = this.#wire
    await connection.subscribe(topicFor(site, 'controllerState', {}), (_topic, payload) => {
      this.#isForeign = !this.#isOwn(payload)
      if (this.#isForeign && !this.#repairTimer) this.#repairLater()
    })
  }

  #isOwn(payload: Uint8Array): boolean {
    const heard = decodeBody('controllerState', payload)
    if (!heard.ok) return false
    const { session, state, controllerId } = heard.body
    const isOfThisLife = session === this.#wire.session && state !== 'lost'
    return isOfThisLife && controllerId === this.#identity.controllerId
  }

  #repairLater(): void {
    const restMs = this.#repairedAt + REPAIR_PERIOD_MS - performance.now()
    this.#repairTimer = setTimeout(
      () => {
        this.#repairTimer = undefined
        // At the next connect it is announced anyhow.
        if (!this.#isForeign || !this.#wire.connection.isConnected) return
        this.#repairedAt = performance.now()
        this.#log.warn('the state on the broker is not ours: published again')
        this.#announceSoon()
      },
      Math.max(REPAIR_DELAY_MS, restMs),
    )
    this.#repairTimer.unref()
  }

  /** Publishes the state; called at each connect too. */
  async announce(): Promise<void> {
    await this.#wire.publish(
      'controllerState',
      {},
      {
        ...this.#identity,
        state: this.#state,
        ...(this.#reason === undefined ? {} : { reason: this.#reason }),
      },
    )
  }

  enter(state: ControllerState['state'], reason?: string): void {
    this.#state = state
    this.#reason = reason
    this.#log.info({ state, reason }, 'controller state changed')
    this.#announceSoon()
  }

  #announceSoon(): void {
    this.announce().catch(error => {
      // The next connect announces it.
      this.#log.debug({ reason: messageOf(error) }, 'state not sent')
    })
  }

  async sayGoodbye(): Promise<void> {
    clearTimeout(this.#repairTimer)
    // A finished run stays finished for whoever looks later.
    if (this.#state === 'finished') return
    this.#state = 'disconnected'
    await this.announce()
  }
}
