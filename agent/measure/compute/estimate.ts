import { quantileSorted } from 'simple-statistics'
import type { Discarded } from '../probe.ts'

/** One run of a kernel. */
export interface RunSample {
  /** Work per second of CPU time, in whatever the kernel is counted in. */
  readonly rate: number
  /** What disturbed the board meanwhile; such a run leaves the estimate. */
  readonly flags: readonly string[]
}

export interface Estimate {
  readonly p10: number
  readonly p50: number
  readonly p90: number
  /** The fastest run. */
  readonly peak: number
  /** Runs that the estimate is of. */
  readonly n: number
  /** Width of the interval that holds the median with 95 %, as a share of it; 1 below six runs. */
  readonly width: number
  /** Whether all runs were flagged, so that the estimate is of what else would have left it. */
  readonly isFlagged: boolean
  readonly discarded: readonly Discarded[]
}

/** A run counts as faster than those before from here on: timers and caches have their noise. */
const RISE = 0.02
/** Where the rate still rises then, it is not the warm-up. */
const WARM_UP_MAX = 10

/**
 * The rate of a kernel by its runs, in the order in which they were made. The warm-up is left out,
 * and so are runs that were flagged, unless all were: a board that is always throttled has a rate, too.
 */
export function estimateOf(samples: readonly RunSample[]): Estimate | undefined {
  const warmUp = warmUpCount(samples.map(({ rate }) => rate))
  const warm = samples.slice(warmUp)
  const clean = warm.filter(({ flags }) => flags.length === 0)
  const isFlagged = clean.length === 0
  const kept = (isFlagged ? warm : clean).map(({ rate }) => rate).sort((a, b) => a - b)
  const peak = kept.at(-1)
  if (peak === undefined) return undefined
  const [p10, p50, p90] = [0.1, 0.5, 0.9].map(share => quantileSorted(kept, share))
  return {
    p10: p10 ?? peak,
    p50: p50 ?? peak,
    p90: p90 ?? peak,
    peak,
    n: kept.length,
    width: medianWidth(kept),
    isFlagged,
    discarded: [
      { reason: 'warm-up', count: warmUp },
      ...(isFlagged ? [] : countFlags(warm)),
    ].filter(({ count }) => count > 0),
  }
}

/**
 * The first run fills caches, starts the clock of the core up and lets the memory be given out; more
 * are left out as long as each is faster than all before.
 */
export function warmUpCount(rates: readonly number[]): number {
  let count = Math.min(1, rates.length - 1)
  let best = rates[0] ?? 0
  while (count < Math.min(WARM_UP_MAX, rates.length - 1)) {
    const rate = rates[count] ?? 0
    if (rate <= best * (1 + RISE)) break
    best = rate
    count++
  }
  return Math.max(0, count)
}

/** A run with several flags counts for the first. */
function countFlags(samples: readonly RunSample[]): readonly Discarded[] {
  const counts = new Map<string, number>()
  for (const { flags } of samples) {
    const [reason] = flags
    if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  }
  return [...counts].map(([reason, count]) => ({ reason, count }))
}

/** Of the chance that the median lies outside of the interval, on each side. */
const TAIL = 0.025

/**
 * The interval between the l-th smallest and the l-th largest value holds the median with a chance of
 * 1 − 2 · P(B < l), B binomial of n and 1/2: whatever the distribution is like (Hahn and Meeker 1991,
 * section 5.2). Noise of other processes has no normal distribution.
 */
function medianWidth(sorted: readonly number[]): number {
  const n = sorted.length
  let [place, chance, below] = [0, 0.5 ** n, 0.5 ** n]
  while (below <= TAIL && place < n) {
    place++
    chance *= (n - place + 1) / place
    below += chance
  }
  if (place === 0) return 1
  const [low, high] = [sorted[place - 1] ?? 0, sorted[n - place] ?? 0]
  return (high - low) / quantileSorted([...sorted], 0.5)
}
