import { Backoff } from '../runtime/backoff.ts'
import type { Random } from '../runtime/seeded-random.ts'
import type { LinkEnd } from './broker-link.ts'

export interface ReconnectTiming {
  readonly firstMs: number
  readonly limitMs: number
  /** Where trying again soon cannot help: wrong credentials, two clients of one identity. */
  readonly longFirstMs: number
  readonly longLimitMs: number
  /** A connection that lived so long was a good one: the waiting times start anew. */
  readonly stableMs: number
}

export const RECONNECT_TIMING: ReconnectTiming = {
  firstMs: 250,
  limitMs: 10_000,
  longFirstMs: 20_000,
  longLimitMs: 60_000,
  stableMs: 60_000,
}

/** Short lives in a row, each ended by a broker that took us back at once, until it is a takeover. */
const TAKEOVERS_MAX = 5

export type TroubleStatus = 'waiting' | 'refused' | 'duplicate-identity'

/**
 * How long to wait after a connection has ended, and what that says. MQTT 3.1.1 has no reason code
 * for a takeover: two clients of one identity are known by the broker closing each new connection
 * after a short life though it is reachable all the time. The usual cause is a cloned SD card.
 */
export class ReconnectPolicy {
  readonly #timing: ReconnectTiming
  readonly #backoff: Backoff
  readonly #longBackoff: Backoff
  #takeovers = 0

  constructor(random: Random, timing: ReconnectTiming = RECONNECT_TIMING) {
    const { firstMs, limitMs, longFirstMs, longLimitMs } = timing
    this.#timing = timing
    this.#backoff = new Backoff({ firstMs, limitMs, random })
    this.#longBackoff = new Backoff({ firstMs: longFirstMs, limitMs: longLimitMs, random })
  }

  after(end: LinkEnd, livedMs: number): { waitMs: number; status: TroubleStatus } {
    if (livedMs >= this.#timing.stableMs) {
      this.#takeovers = 0
      this.#backoff.reset()
      this.#longBackoff.reset()
    }
    if (end.kind === 'refused') return { waitMs: this.#longBackoff.nextMs(), status: 'refused' }
    if (end.kind === 'unreachable') this.#takeovers = 0
    if (end.kind === 'closed-by-peer' && livedMs < this.#timing.stableMs) {
      this.#takeovers += 1
      if (this.#takeovers >= TAKEOVERS_MAX) {
        return { waitMs: this.#longBackoff.nextMs(), status: 'duplicate-identity' }
      }
    }
    return { waitMs: this.#backoff.nextMs(), status: 'waiting' }
  }
}
