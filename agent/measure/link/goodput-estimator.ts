import { mean, sampleStandardDeviation } from 'simple-statistics'

/** What a receiver had by a time: bytes since the first arrival, which only starts the time. */
export interface Arrival {
  readonly atMs: number
  readonly bytesTotal: number
}

export interface GoodputEstimate {
  readonly bitsPerSecond: number
  /** Half of the 95 % interval over the rate; Infinity while there is too little to tell. */
  readonly ciShare: number
  /** Slow start and bursts at the beginning, which do not count. */
  readonly discardedMs: number
  /** What counts. */
  readonly keptMs: number
  readonly keptBytes: number
}

/** Arrivals closer than this are one: 10 s at any rate are 2000 of them. */
const MERGE_MS = 5
const BIN_MS_MIN = 50
/** A bin with few arrivals shows packets and not the rate. */
const ARRIVALS_PER_BIN = 6
/** What is kept is at least this share: a probe that never settles is not told by its last moment. */
const KEPT_SHARE_MIN = 0.35
const BATCHES = 8
/** Student's t for 95 % and BATCHES - 1 degrees of freedom. */
const STUDENT_T = 2.365

/**
 * The steady rate in a series of arrivals at the receiver. Pure: no clock of its own.
 *
 * The beginning is cut off where the standard error of the mean of the rest is least (MSER, White
 * 1997): that removes slow start, which is too slow, and the burst that a full token bucket lets
 * through, which is too fast. The interval is that of batch means.
 */
export class GoodputEstimator {
  readonly #arrivals: Arrival[] = []

  add(atMs: number, bytesTotal: number): void {
    const last = this.#arrivals.at(-1)
    // A clock or a count that steps back says nothing.
    if (last && (atMs < last.atMs || bytesTotal < last.bytesTotal)) return
    const before = this.#arrivals.at(-2)
    if (last && before && atMs - before.atMs < MERGE_MS) this.#arrivals.pop()
    this.#arrivals.push({ atMs, bytesTotal })
  }

  get bytesTotal(): number {
    return this.#arrivals.at(-1)?.bytesTotal ?? 0
  }

  /** From the first arrival to the last. */
  get durationMs(): number {
    return (this.#arrivals.at(-1)?.atMs ?? 0) - (this.#arrivals[0]?.atMs ?? 0)
  }

  /** Undefined where no time has passed between arrivals: unknown, and never 0. */
  estimate(): GoodputEstimate | undefined {
    const [first, last] = [this.#arrivals[0], this.#arrivals.at(-1)]
    if (!first || !last || last.bytesTotal <= first.bytesTotal || this.durationMs <= 0) return
    const binMs = Math.max(BIN_MS_MIN, (this.durationMs * ARRIVALS_PER_BIN) / this.#arrivals.length)
    const bins = Math.floor(this.durationMs / binMs)
    const edges = this.#edges(first.atMs + (this.durationMs - bins * binMs), { bins, binMs })
    const rates = differencesOf(edges).map(bytes => (bytes * 8000) / binMs)
    const cut = steadyFrom(rates)
    // What is left over before the first bin is of the beginning, too.
    const start =
      bins > 0
        ? { atMs: last.atMs - (bins - cut) * binMs, bytesTotal: edges[cut] ?? first.bytesTotal }
        : first
    const keptMs = last.atMs - start.atMs
    const keptBytes = last.bytesTotal - start.bytesTotal
    if (keptMs <= 0 || keptBytes <= 0) return
    return {
      bitsPerSecond: (keptBytes * 8000) / keptMs,
      ciShare: ciShareOf(rates.slice(cut)),
      discardedMs: start.atMs - first.atMs,
      keptMs,
      keptBytes,
    }
  }

  /** Bytes at the edges of the bins, between arrivals in proportion. */
  #edges(firstAtMs: number, { bins, binMs }: { readonly bins: number; readonly binMs: number }) {
    let index = 0
    return Array.from({ length: bins + 1 }, (_, bin) => {
      const atMs = firstAtMs + bin * binMs
      while (index < this.#arrivals.length - 2 && (this.#arrivals[index + 1]?.atMs ?? 0) < atMs) {
        index += 1
      }
      return bytesAt(atMs, this.#arrivals[index], this.#arrivals[index + 1])
    })
  }
}

function bytesAt(atMs: number, before: Arrival | undefined, after: Arrival | undefined): number {
  if (!before || !after) return before?.bytesTotal ?? 0
  const spanMs = after.atMs - before.atMs
  const share = spanMs > 0 ? Math.min(1, Math.max(0, (atMs - before.atMs) / spanMs)) : 1
  return before.bytesTotal + share * (after.bytesTotal - before.bytesTotal)
}

function differencesOf(values: readonly number[]): number[] {
  return values.slice(1).map((value, index) => value - (values[index] ?? 0))
}

/** MSER: the d with the least sum((x_i - mean)^2) / (n - d)^2 over i >= d. */
export function steadyFrom(rates: readonly number[]): number {
  const dMax = Math.floor(rates.length * (1 - KEPT_SHARE_MIN))
  let [best, bestError] = [0, Number.POSITIVE_INFINITY]
  let [sum, squares] = [0, 0]
  for (let d = rates.length - 1; d >= 0; d--) {
    const rate = rates[d] ?? 0
    sum += rate
    squares += rate * rate
    const n = rates.length - d
    const error = Math.max(0, squares - (sum * sum) / n) / (n * n)
    if (d <= dMax && error <= bestError) [best, bestError] = [d, error]
  }
  return best
}

function ciShareOf(rates: readonly number[]): number {
  const perBatch = Math.floor(rates.length / BATCHES)
  if (perBatch < 1) return Number.POSITIVE_INFINITY
  const batches = Array.from({ length: BATCHES }, (_, batch) => {
    const end = rates.length - (BATCHES - 1 - batch) * perBatch
    return mean(rates.slice(end - perBatch, end))
  })
  const rate = mean(batches)
  if (!(rate > 0)) return Number.POSITIVE_INFINITY
  return (STUDENT_T * sampleStandardDeviation(batches)) / Math.sqrt(BATCHES) / rate
}
