import { type RecentParts, ROUNDS_KEPT } from './recent-parts.ts'

/** What the rounds that are remembered say of the coming one; NaN before the first. */
export interface RoundsAlike {
  /** Median of the latest rounds, each of half the weight of the one 1.5 rounds later. */
  readonly fadingMedian: number
  /** What came after rounds like the latest one, and the same with a shorter memory. */
  readonly after: number
  readonly afterLately: number
}

/** Half-lives, in rounds. */
const FADING = { median: 1.5, after: 10, afterLately: 4 } as const
/** Where changes are rather dips than peaks the middle of what may come lies a little higher. */
const QUANTILE = 0.55
/** Rounds are alike as far as they differ by little of this many mean changes from round to round. */
const ALIKE_CHANGES = 2
/** A round after one of another kind counts a little, too: it shows where the row may be. */
const WEIGHT_UNLIKE = 0.1
/** For "as now", beside 1 for a round that came after the same as now. */
const WEIGHT_LAST = 0.4
/** The mean change of a row that hardly moves is taken for this much of its level. */
const CHANGE_LEAST_SHARE = 0.02

const [FADE_MEDIAN, FADE_AFTER, FADE_LATELY] = [
  FADING.median,
  FADING.after,
  FADING.afterLately,
].map(halfLife => Float64Array.from({ length: ROUNDS_KEPT }, (_, ago) => 2 ** (-ago / halfLife)))

// Analogues (Lorenz 1969) as a conditional quantile by kernels (Yu and Jones 1998): of the rounds y_i
// that are remembered, each with the weight
//
//   2^(-age/h) (0.1 + exp(-|y_(i-1) - y_now| / 2d)),   d the mean change from round to round,
//
// and of y_now, 0.4 more. A plateau with dips goes on as plateaus did after a dip.

export function roundsAlike(recent: RecentParts): RoundsAlike {
  const rounds = Float64Array.from({ length: ROUNDS_KEPT + 1 }, (_, ago) => recent.roundMean(ago))
  const latest = rounds[0] ?? Number.NaN
  const alike = ALIKE_CHANGES * meanChange(rounds)
  const likeness = Float64Array.from({ length: ROUNDS_KEPT }, (_, ago) => {
    const distance = Math.abs((rounds[ago + 1] ?? Number.NaN) - latest)
    return WEIGHT_UNLIKE + (Number.isNaN(distance) ? 0 : Math.exp(-distance / alike))
  })
  const byValue = [...rounds.keys()]
    .filter(ago => ago < ROUNDS_KEPT && !Number.isNaN(rounds[ago]))
    .sort((a, b) => (rounds[a] ?? 0) - (rounds[b] ?? 0))
  const quantileOf = (share: number, weightOf: (ago: number) => number): number => {
    let rest = share * byValue.reduce((sum, ago) => sum + weightOf(ago), 0)
    const found = byValue.find(ago => {
      rest -= weightOf(ago)
      return rest <= 0
    })
    return found === undefined ? Number.NaN : (rounds[found] ?? Number.NaN)
  }
  const after = (fade: Float64Array | undefined): number =>
    quantileOf(
      QUANTILE,
      ago => (fade?.[ago] ?? 0) * (likeness[ago] ?? 0) + (ago === 0 ? WEIGHT_LAST : 0),
    )
  return {
    fadingMedian: quantileOf(0.5, ago => FADE_MEDIAN?.[ago] ?? 0),
    after: after(FADE_AFTER),
    afterLately: after(FADE_LATELY),
  }
}

/** Above 0, also where nothing changed. */
function meanChange(rounds: Float64Array): number {
  let [changes, levels, count] = [0, 0, 0]
  for (const [ago, value] of rounds.entries()) {
    const change = Math.abs(value - (rounds[ago + 1] ?? Number.NaN))
    if (Number.isNaN(change)) continue
    changes += change
    levels += value
    count++
  }
  if (count === 0) return Number.MIN_VALUE
  return Math.max(changes / count, (CHANGE_LEAST_SHARE * levels) / count, Number.MIN_VALUE)
}
