import { messageOf } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { ClockOffset } from './clock-offset.ts'
import type { ControllerPeer } from './controller-peer.ts'

/** Exchanges at the start: enough that one of them was not held up by a queue. */
const FIRST_EXCHANGES = 4

/** Keeps the estimate of the controller's clock. */
export class ClockSync {
  readonly #peer: ControllerPeer
  readonly #log: Logger
  readonly #offset = new ClockOffset()

  constructor(options: { readonly peer: ControllerPeer; readonly log: Logger }) {
    this.#peer = options.peer
    this.#log = options.log
  }

  /** Controller's clock minus ours, in ms; 0 until the controller has answered once. */
  get offsetMs(): number {
    return this.#offset.ms
  }

  /** One exchange, or some where nothing is known yet. A controller that is away is no error. */
  async refresh(): Promise<void> {
    const exchanges = this.#offset.isKnown ? 1 : FIRST_EXCHANGES
    try {
      for (let done = 0; done < exchanges; done++) {
        this.#offset.add(await this.#peer.exchangeClock())
      }
    } catch (error) {
      this.#log.debug({ reason: messageOf(error) }, 'clock exchange failed')
    }
  }
}
