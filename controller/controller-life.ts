import type { ControllerState } from '../protocol/life.ts'
import type { WireSession } from '../protocol/wire-session.ts'
import { messageOf } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'

/** The controller's retained state: agents hold their results while it is away. */
export class ControllerLife {
  readonly #wire: WireSession
  readonly #identity: Pick<ControllerState, 'controllerId' | 'version'>
  readonly #log: Logger
  #state: ControllerState['state'] = 'waiting'
  #reason: string | undefined

  constructor(options: {
    readonly wire: WireSession
    readonly identity: Pick<ControllerState, 'controllerId' | 'version'>
    readonly log: Logger
  }) {
    this.#wire = options.wire
    this.#identity = options.identity
    this.#log = options.log
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
    this.announce().catch(error => {
      // The next connect announces it.
      this.#log.debug({ reason: messageOf(error) }, 'state not sent')
    })
  }

  async sayGoodbye(): Promise<void> {
    // A finished run stays finished for whoever looks later.
    if (this.#state === 'finished') return
    this.#state = 'disconnected'
    await this.announce()
  }
}
