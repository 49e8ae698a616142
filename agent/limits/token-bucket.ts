import { type Clock, until } from '../../runtime/clock.ts'

/**
 * Keeps use to a rate: of bytes on a link, or of CPU time. Whoever takes waits until it is paid for,
 * first come, first served; a share that was not used at once is kept for `burstMs` and no longer.
 *
 * In any window of W ms at most rate · W + max(burst, the largest amount taken at once) is used, and
 * since the start at most rate · time. This is the virtual scheduling form of the generic cell rate
 * algorithm (ITU-T I.371, Annex A): one number, the time up to which the rate is spent.
 */
export class TokenBucket {
  readonly #clock: Clock
  readonly #perMs: number
  readonly #burstMs: number
  #paidUntilMs: number

  constructor(options: {
    readonly clock: Clock
    readonly perSecond: number
    /** How late whoever takes may be without losing anything. */
    readonly burstMs: number
    /** From when on there is something to take. */
    readonly startsAtMs: number
  }) {
    if (!(options.perSecond > 0)) throw new RangeError(`a rate of ${options.perSecond} is no rate`)
    this.#clock = options.clock
    this.#perMs = options.perSecond / 1000
    this.#burstMs = options.burstMs
    this.#paidUntilMs = options.startsAtMs
  }

  /** Takes the amount and tells from when on it is paid for. */
  reserve(amount: number): number {
    this.#paidUntilMs = this.#fromMs() + amount / this.#perMs
    return this.#paidUntilMs
  }

  /** Takes the amount; resolves when it is paid for, rejects when aborted first. */
  async take(amount: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const paidAtMs = this.reserve(amount)
    if (paidAtMs > this.#clock.now()) await until(this.#clock, paidAtMs, signal)
  }

  /** What can still be taken so that it is paid for by then. */
  leftUntil(timeMs: number): number {
    return Math.max(0, timeMs - this.#fromMs()) * this.#perMs
  }

  #fromMs(): number {
    return Math.max(this.#paidUntilMs, this.#clock.now() - this.#burstMs)
  }
}
