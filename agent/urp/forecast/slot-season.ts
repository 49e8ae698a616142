import { median } from './median.ts'

/** A season is looked for in the latest slots, so many at most: the search grows with its square. */
const SLOTS_MAX = 200

// Seasonal naive on slots: x(t) = median of x(t - p), x(t - 2p) …, with the period p whose error
//
//   e_p = mean of |x(t) - x(t - p)|
//
// is the least; each period has been seen twice. Periods of 2 slots and more, of whatever length a
// round is: what comes and goes by itself does not know of our rounds.

/**
 * The coming slots of a row as they were a period ago, from its rounds, oldest first; null where no
 * period is known.
 */
export function slotSeason(rounds: readonly ArrayLike<number>[], slots: number): number[] | null {
  const latest = rounds
    .slice(-Math.ceil(SLOTS_MAX / slots))
    .flatMap(round => Array.from({ length: slots }, (_, slot) => round[slot] ?? Number.NaN))
    .slice(-SLOTS_MAX)
  const period = periodOf(latest)
  if (period === null) return null
  return Array.from({ length: slots }, (_, slot) => {
    const values: number[] = []
    for (let at = latest.length + slot - period; at >= 0; at -= period) {
      values.push(latest[at] ?? Number.NaN)
    }
    return median(values)
  })
}

function periodOf(values: readonly number[]): number | null {
  let best: number | null = null
  let least = Number.POSITIVE_INFINITY
  for (let period = 2; period * 2 <= values.length; period++) {
    const error = meanChange(values, period)
    // A multiple of the period repeats as well as it does, but for rounding.
    if (!(error < 0.999 * least)) continue
    best = period
    least = error
  }
  return best
}

/** NaN where less than half of the pairs is known: a few pairs are alike by chance. */
function meanChange(values: readonly number[], period: number): number {
  let sum = 0
  let known = 0
  for (let at = period; at < values.length; at++) {
    const change = Math.abs((values[at] ?? Number.NaN) - (values[at - period] ?? Number.NaN))
    if (Number.isNaN(change)) continue
    sum += change
    known++
  }
  return known * 2 >= values.length - period ? sum / known : Number.NaN
}
