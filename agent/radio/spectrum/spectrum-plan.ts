import { GainnetError } from '../../../runtime/errors.ts'
import type { SampleFormatName } from '../sample-formats.ts'

/** What becomes of a stream of samples: rounds of slots, each cut into resource blocks. */
export interface SpectrumPlan {
  readonly format: SampleFormatName
  readonly rateHz: number
  readonly blocks: number
  readonly slots: number
  readonly slotMs: number
  /** Rounds whose quiet moments tell the noise floor: the last one and those before it. */
  readonly floorRounds?: number
}

/** As many as show a quiet moment in a second's rounds; short rounds take more of them. */
export const FLOOR_ROUNDS = 4

/**
 * Points of a transform: at 2.4 MS/s it hears 0.2 ms, as short as a burst of a remote control bit,
 * and has 32 bins in each of 16 blocks, enough to tell 3 dB over the floor from chance.
 */
export const FFT_POINTS = 512

/** Fewer bins in a block make the energy of noise too uneven to tell a signal from it. */
const BINS_MIN = 8
export const BLOCKS_MAX = FFT_POINTS / BINS_MIN
/** Fewer transforms in a slot tell no noise floor. */
const FRAMES_MIN = 8
/** Memory of a round: 2^22 energies are 16 MiB. */
const ENERGIES_MAX = 2 ** 22

export interface SlotShape {
  readonly slotSamples: number
  readonly framesPerSlot: number
  readonly binsPerBlock: number
}

/** USAGE where slots are too short for the rate, or a round too long to be kept. */
export function slotShape({ rateHz, blocks, slots, slotMs }: SpectrumPlan): SlotShape {
  const slotSamples = Math.round((rateHz * slotMs) / 1000)
  const framesPerSlot = Math.floor(slotSamples / FFT_POINTS)
  if (!isPowerOfTwo(blocks) || blocks > BLOCKS_MAX) {
    throw new GainnetError('USAGE', `blocks: ${blocks} is no power of two up to ${BLOCKS_MAX}`)
  }
  if (framesPerSlot < FRAMES_MIN) {
    const msMin = Math.ceil((FRAMES_MIN * FFT_POINTS * 1000) / rateHz)
    throw new GainnetError(
      'USAGE',
      `slots of ${slotMs} ms are too short for ${rateHz} samples a second: take ${msMin} ms or more`,
    )
  }
  if (framesPerSlot * slots * blocks > ENERGIES_MAX) {
    throw new GainnetError('USAGE', `rounds of ${slots} slots of ${slotMs} ms are too long to keep`)
  }
  return { slotSamples, framesPerSlot, binsPerBlock: FFT_POINTS / blocks }
}

function isPowerOfTwo(count: number): boolean {
  return Number.isInteger(count) && count >= 1 && (count & (count - 1)) === 0
}

/** Slot length for a recording of unknown purpose: 32 transforms. */
export function usualSlotMs(rateHz: number): number {
  return (32 * FFT_POINTS * 1000) / rateHz
}
