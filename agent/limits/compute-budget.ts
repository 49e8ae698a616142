import { type Clock, until } from '../../runtime/clock.ts'
import { TokenBucket } from './token-bucket.ts'

/**
 * A chunk that others held up may be made up for within this time: then the share holds over the
 * slots, and not only in each quiet moment of them.
 */
const BURST_MS = 500
/** A share of nothing would never end its first rest. */
const SHARE_MIN = 1e-3

/**
 * Keeps the CPU time of training to its share of the compute slots: after each chunk it rests until
 * what was used is paid for, measured by the child's own CPU time. Rests count from the start of the
 * slots and not from chunk to chunk, so that late timers and messages do not add up.
 */
export class ComputeBudget {
  readonly #clock: Clock
  readonly #endsAtMs: number
  readonly #bucket: TokenBucket
  readonly grantedSeconds: number
  #usedSeconds = 0

  constructor(options: {
    readonly clock: Clock
    /** Units that may be kept busy, e.g. 0.5 of a core. */
    readonly share: number
    readonly startsAtMs: number
    readonly endsAtMs: number
  }) {
    const { clock, share, startsAtMs, endsAtMs } = options
    this.#clock = clock
    this.#endsAtMs = endsAtMs
    this.grantedSeconds = (share * Math.max(0, endsAtMs - startsAtMs)) / 1000
    this.#bucket = new TokenBucket({
      clock,
      perSecond: Math.max(SHARE_MIN, share),
      burstMs: BURST_MS,
      startsAtMs,
    })
  }

  get usedSeconds(): number {
    return this.#usedSeconds
  }

  /** CPU seconds that can still be used within the slots. */
  get leftSeconds(): number {
    return this.#bucket.leftUntil(this.#endsAtMs)
  }

  /** Notes what a chunk has used; resolves when the next may begin, at the latest when the slots end. */
  async rest(cpuSeconds: number, signal?: AbortSignal): Promise<void> {
    this.#usedSeconds += cpuSeconds
    const untilMs = Math.min(this.#bucket.reserve(cpuSeconds), this.#endsAtMs)
    if (untilMs > this.#clock.now()) await until(this.#clock, untilMs, signal)
  }
}
