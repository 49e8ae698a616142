/** An offset that was measured: the true one was within `errorMs` of it at `atMs`. */
export interface DatedOffset {
  /** By the agent's clock. */
  readonly atMs: number
  readonly offsetMs: number
  readonly errorMs: number
}

export interface Drift {
  /** How much the offset grows, in parts of a million. */
  readonly ppm: number
  /** The true drift is within this of it. */
  readonly errorPpm: number
  readonly isMeasured: boolean
}

/**
 * Until it is measured: crystals of boards are within 50 ppm of their frequency, at both ends, and
 * the Linux kernel's monotonic clock follows NTP's corrections on top of that.
 */
export const DRIFT_UNKNOWN: Drift = { ppm: 0, errorPpm: 100, isMeasured: false }

/** Frequencies wander with the temperature: 15 ppm is the tolerance PHI of RFC 5905, 7.3. */
const WANDER_PPM = 15

/**
 * The drift that agrees with all offsets of a window: each two of them bound it by their errors
 * over the time between them. Unknown where they bound it no better than is known anyway, or where
 * no drift agrees with all.
 */
export function driftOf(offsets: readonly DatedOffset[]): Drift {
  let [lowest, highest] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (const [index, earlier] of offsets.entries()) {
    for (const later of offsets.slice(index + 1)) {
      const apartMs = later.atMs - earlier.atMs
      if (apartMs <= 0) continue
      const grown = later.offsetMs - earlier.offsetMs
      const error = later.errorMs + earlier.errorMs
      lowest = Math.max(lowest, ((grown - error) / apartMs) * 1e6)
      highest = Math.min(highest, ((grown + error) / apartMs) * 1e6)
    }
  }
  const errorPpm = (highest - lowest) / 2 + WANDER_PPM
  if (highest < lowest || errorPpm >= DRIFT_UNKNOWN.errorPpm) return DRIFT_UNKNOWN
  return { ppm: (highest + lowest) / 2, errorPpm, isMeasured: true }
}
