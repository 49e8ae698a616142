import { independentBins, noiseQuantile } from './noise-statistics.ts'

/**
 * Chance that noise alone passes for a signal, of one block in one transform. Occupancy is a share of
 * transforms, so that this is also what a block without any signal shows of it.
 */
export const FALSE_ALARM = 1e-3

export interface SlotOccupancy {
  /** Share of the transforms of the slot in which a block was above its threshold, 0 if none was heard. */
  readonly occupancy: Float32Array
  /** Share of the slot that was heard: the rest was lost on the way. */
  readonly heard: number
}

/** Energies above these are no noise. */
export function thresholdsOf(floor: Float64Array, bins: Int32Array): Float64Array {
  return floor.map(
    (energy, block) => energy * noiseQuantile(1 - FALSE_ALARM, independentBins(bins[block] ?? 1)),
  )
}

/** Channel occupancy as ITU-R SM.1880-2 has it: the share of samples in time above a threshold. */
export function slotOccupancy(energies: Float32Array, thresholds: Float64Array): SlotOccupancy {
  const blocks = thresholds.length
  const frames = energies.length / blocks
  const above = new Float32Array(blocks)
  let heard = 0
  for (let frame = 0; frame < frames; frame++) {
    // A transform is heard as a whole or not at all.
    if (Number.isNaN(energies[frame * blocks])) continue
    heard += 1
    for (let block = 0; block < blocks; block++) {
      const energy = energies[frame * blocks + block] ?? 0
      if (energy > (thresholds[block] ?? 0)) above[block] = (above[block] ?? 0) + 1
    }
  }
  return { occupancy: above.map(count => count / Math.max(1, heard)), heard: heard / frames }
}
