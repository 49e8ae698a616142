/** Gains of channels as counts, from −60 dB to +60 dB in steps of 2 dB; what lies beyond counts at the ends. */
export type GainSketch = Float64Array

const FROM_DB = -60
const STEP_DB = 2
const BINS = 61

export function gainSketch(gains: Float64Array): GainSketch {
  const counts = new Float64Array(BINS)
  for (const gain of gains) {
    const bin = Math.round((10 * Math.log10(gain) - FROM_DB) / STEP_DB)
    const place = Math.max(0, Math.min(BINS - 1, bin))
    counts[place] = (counts[place] ?? 0) + 1
  }
  return counts
}

/**
 * How far two distributions are apart, from 0 to 1: the greatest difference of their shares below any
 * gain (the statistic of Kolmogorov and Smirnov).
 */
export function sketchDistance(a: GainSketch, b: GainSketch): number {
  const total = (sketch: GainSketch) => sketch.reduce((sum, count) => sum + count, 0)
  const [ofA, ofB] = [total(a), total(b)]
  if (ofA === 0 || ofB === 0) return 0
  let [below, greatest] = [0, 0]
  for (const [bin, count] of a.entries()) {
    below += count / ofA - (b[bin] ?? 0) / ofB
    greatest = Math.max(greatest, Math.abs(below))
  }
  return greatest
}
