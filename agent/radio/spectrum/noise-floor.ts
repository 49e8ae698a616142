import { probit, quantile } from 'simple-statistics'
import { independentBins, noiseQuantile } from './noise-statistics.ts'

/** The quiet quarter of a slot: signals that are there less than three quarters of it do not lift it. */
const QUIET_SHARE = 0.25
/** Of the quartile of n normal values: sqrt(1/4 · 3/4) / φ(z of 1/4), over sqrt n. */
const QUARTILE_ERROR = 1.363
/** A block of which even the quiet quarter lies 3 dB over that of the quieter blocks is always used. */
const FLATNESS = 2

export interface HeardSlot {
  /** Mean energy of noise alone in each block, if the slot was ever quiet in it. NaN: not heard. */
  readonly quiet: Float64Array
  /** How far by chance that is off (standard deviation), as a share of it. */
  readonly error: number
}

export function heardSlot(energies: Float32Array, bins: Int32Array): HeardSlot {
  const blocks = bins.length
  const frames = energies.length / blocks
  const quiet = Float64Array.from(bins, (count, block) => {
    const heard: number[] = []
    for (let frame = 0; frame < frames; frame++) {
      const energy = energies[frame * blocks + block] ?? Number.NaN
      if (!Number.isNaN(energy)) heard.push(energy)
    }
    if (heard.length === 0) return Number.NaN
    return quantile(heard, QUIET_SHARE) / noiseQuantile(QUIET_SHARE, independentBins(count))
  })
  const independent = frames * independentBins(Math.max(...bins))
  return { quiet, error: QUARTILE_ERROR / Math.sqrt(independent) }
}

/**
 * The noise floor of each block, from several slots: the minimum over time (after R. Martin 2001,
 * minimum statistics), and where that of one block stands out from those of the quieter blocks,
 * theirs. `least` is the noise of the steps of the samples, which is always there.
 */
export function noiseFloor(slots: readonly HeardSlot[], least: number): Float64Array {
  const blocks = slots[0]?.quiet.length ?? 0
  const low = leastOfNormal(slots.length) * (slots[0]?.error ?? 0)
  const lowest = Array.from({ length: blocks }, (_, block) => {
    const minimum = slots.reduce(
      (found, { quiet }) => leastOf(found, quiet[block] ?? Number.NaN),
      Number.NaN,
    )
    return minimum / (1 - Math.min(0.5, low))
  })
  const known = lowest.filter(energy => !Number.isNaN(energy))
  const usual = known.length > 0 ? quantile(known, QUIET_SHARE) : Number.NaN
  return Float64Array.from(lowest, energy => {
    const floor = energy <= FLATNESS * usual ? energy : usual
    return Number.isNaN(floor) ? least : Math.max(floor, least)
  })
}

/**
 * How many standard deviations the least of so many estimates lies below their mean (G. Blom 1958):
 * without it the minimum of many slots would be a floor below the floor.
 */
function leastOfNormal(count: number): number {
  return probit((count - 0.375) / (count + 0.25))
}

function leastOf(a: number, b: number): number {
  return a <= b || Number.isNaN(b) ? a : b
}
