import type { SlotPool } from './slot-pool.ts'
import { type ConsumptionNeeds, consumptionWindow } from './workload.ts'

/**
 * What federated split learning adds to the needs of one consumption: activations go up and their
 * gradients come down for every sample, in micro-batches while the client part computes.
 */
export interface SplitNeeds extends ConsumptionNeeds {
  /** σ_dl */
  readonly downloadBitsPerSample: number
  /** σ_ul */
  readonly uploadBitsPerSample: number
}

/**
 * The most samples, up to `samplesMax`, that split learning can consume in one CR. The payloads
 * that do not grow with the samples frame a window as always; inside it the blocks must carry what
 * the samples add and the cycles must train them. Whether D samples fit can only turn from yes to
 * no as D grows, so that halving finds the last that do.
 */
export function splitCapacity(pool: SlotPool, needs: SplitNeeds, samplesMax: number): number {
  const window = consumptionWindow(pool, needs)
  if (!window.ok) return 0
  const { computeFrom, computeTo } = window
  const inWindow = (values: Float64Array): number => sumOf(values, computeFrom, computeTo)
  const flops = inWindow(pool.flops)
  const blocks = inWindow(pool.blocks)
  const fits = (samples: number): boolean =>
    samples * needs.flopsPerSample <= flops * ROUNDING_UP &&
    blocksFor(samples * needs.downloadBitsPerSample, pool.downlinkBitsPerBlock) +
      blocksFor(samples * needs.uploadBitsPerSample, pool.uplinkBitsPerBlock) <=
      blocks
  let [low, high] = [0, Math.floor(samplesMax) + 1]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (fits(middle)) low = middle
    else high = middle
  }
  return low
}

/** Sums of slot figures carry rounding: 3 x 0.1 must pay for 0.3. */
const ROUNDING_UP = 1 + 1e-12

function blocksFor(bits: number, bitsPerBlock: number): number {
  return Math.ceil(bits / bitsPerBlock - 1e-9)
}

function sumOf(values: Float64Array, from: number, to: number): number {
  let sum = 0
  for (let slot = from; slot < to; slot++) sum += values[slot] ?? 0
  return sum
}
