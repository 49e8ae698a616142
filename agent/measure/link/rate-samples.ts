/** One measured rate and how far it may be from the truth. */
export interface RateSample {
  readonly bitsPerSecond: number
  readonly method: string
  /** One standard deviation as a share of the rate. */
  readonly uncertainty: number
  readonly bytesSpent: number
  /** On a monotonic clock. */
  readonly atMs: number
  /** ISO 8601, UTC. */
  readonly measuredAt: string
}

/** What each way of measuring is off by where it does not say so itself. */
export const UNCERTAINTY = { bulk: 0.02, passive: 0.07, trains: 0.1, look: 0.2 } as const

/** A link drifts: an hour makes a figure as uncertain as this share of it. */
const DRIFT_PER_HOUR = 0.1
const HOUR_MS = 3_600_000

/** Inverse of the variance: of the measurement, and of what the link may have done since. */
export function weightOf({ uncertainty, atMs }: RateSample, nowMs: number): number {
  const drift = (DRIFT_PER_HOUR * Math.max(0, nowMs - atMs)) / HOUR_MS
  return 1 / (uncertainty * uncertainty + drift * drift)
}

/**
 * Quantile of weighted values: each stands in the middle of its weight, between them in proportion
 * (type 5 of Hyndman and Fan 1996 where all weigh the same). NaN of none.
 */
export function weightedQuantile(
  values: readonly { readonly value: number; readonly weight: number }[],
  share: number,
): number {
  const ordered = values.toSorted((one, other) => one.value - other.value)
  let weightBefore = 0
  const placed = ordered.map(({ value, weight }) => {
    const at = weightBefore + weight / 2
    weightBefore += weight
    return { value, at }
  })
  const wanted = share * weightBefore
  const after = placed.findIndex(({ at }) => at >= wanted)
  const [low, high] = after < 0 ? [placed.at(-1), undefined] : [placed[after - 1], placed[after]]
  if (!low || !high) return (low ?? high)?.value ?? Number.NaN
  return low.value + ((wanted - low.at) / (high.at - low.at)) * (high.value - low.value)
}
