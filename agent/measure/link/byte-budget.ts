const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
/** Entries that are kept; older ones are joined, which only makes the budget stricter. */
const ENTRIES_MAX = 4096

export interface ByteBudgetOptions {
  readonly bytesPerDayMax: number
  /** Of what the link carries in an hour, at most. */
  readonly capacityShareMax: number
}

export interface Allowance {
  readonly bytes: number
  /** A sentence, for who may not spend what he would. */
  readonly boundBy: string
}

/**
 * What measuring may spend on a link: so many bytes a day, and a share of what the link could carry
 * in an hour. Pure: times come in, on any monotonic clock.
 */
export class ByteBudget {
  readonly #options: ByteBudgetOptions
  readonly #spent: { atMs: number; bytes: number }[] = []

  constructor(options: ByteBudgetOptions) {
    this.#options = options
  }

  spend(bytes: number, nowMs: number): void {
    if (bytes <= 0) return
    this.#spent.push({ atMs: nowMs, bytes })
    while (this.#spent[0] && this.#spent[0].atMs <= nowMs - DAY_MS) this.#spent.shift()
    if (this.#spent.length <= ENTRIES_MAX) return
    const oldest = this.#spent.shift()
    if (oldest && this.#spent[0]) this.#spent[0].bytes += oldest.bytes
  }

  spentSince(fromMs: number): number {
    return this.#spent.reduce((sum, { atMs, bytes }) => sum + (atMs > fromMs ? bytes : 0), 0)
  }

  /**
   * Bytes that may be spent now, and what bounds them. `bitsPerSecond` is the sum of both directions,
   * undefined while nobody knows: then the day alone counts.
   */
  left(o: { readonly nowMs: number; readonly bitsPerSecond: number | undefined }): Allowance {
    const { bytesPerDayMax, capacityShareMax } = this.#options
    const { nowMs, bitsPerSecond = Number.POSITIVE_INFINITY } = o
    const day = this.spentSince(nowMs - DAY_MS)
    const hour = this.spentSince(nowMs - HOUR_MS)
    const perHour = Math.floor((capacityShareMax * bitsPerSecond * 3600) / 8)
    const [leftOfDay, leftOfHour] = [bytesPerDayMax - day, perHour - hour]
    const boundBy =
      leftOfDay <= leftOfHour
        ? `${day} of ${bytesPerDayMax} bytes that measuring the link may take a day are spent`
        : `${hour} of ${perHour} bytes that measuring the link may take an hour are spent`
    return { bytes: Math.max(0, Math.min(leftOfDay, leftOfHour)), boundBy }
  }
}
