import {
  downloadEnd,
  type Stretch,
  samplesSensed,
  sumOver,
  uploadStart,
  wholeSamples,
} from './slot-kernels.ts'
import { CONTROL_SLOTS } from './slot-pool.ts'
import type { SensingClass } from './workload.ts'

/** What one serial GAI round of one device and model takes of the pool of one CR. */
export interface SerialNeeds {
  /** Slot up to which consumption may reach. */
  readonly slotsEnd: number
  readonly classes: readonly SensingClass[]
  readonly downloadBlocks: number
  readonly uploadBlocks: number
  readonly flopsPerSample: number
}

/** Sensing in slots [1, sensingEnd), download up to computeFrom, upload from computeTo on. */
export interface SerialSplit {
  readonly sensingEnd: number
  readonly computeFrom: number
  readonly computeTo: number
  readonly sensed: number
  readonly capacity: number
  /** min(sensed, capacity) */
  readonly workload: number
}

/**
 * The best that a serial GAI round can do: without Zeros, sensing, download, computing and upload
 * follow each other inside one CR, so that a slot which senses does not consume. All slots at which
 * sensing may end are tried; of equal ones the earliest, which leaves consumption most time. Null
 * where no split brings a whole sample. O(K²).
 */
export function bestSerialSplit(pool: Stretch, needs: SerialNeeds): SerialSplit | null {
  let best: SerialSplit | null = null
  for (let sensingEnd = CONTROL_SLOTS + 1; sensingEnd < needs.slotsEnd; sensingEnd++) {
    const split = splitAt(pool, { ...needs, sensingEnd })
    if (split && split.workload > (best?.workload ?? 0)) best = split
  }
  return best
}

function splitAt(
  pool: Stretch,
  o: SerialNeeds & { readonly sensingEnd: number },
): SerialSplit | null {
  const { sensingEnd } = o
  const { offset } = pool
  const span = { offset, from: sensingEnd, to: o.slotsEnd }
  const computeFrom = downloadEnd(pool.blocks, span, o.downloadBlocks)
  const computeTo = uploadStart(pool.blocks, span, o.uploadBlocks)
  if (computeFrom < 0 || computeTo < 0 || computeFrom >= computeTo) return null
  const flops = sumOver(pool.flops, offset + computeFrom, offset + computeTo)
  const capacity = wholeSamples(flops / o.flopsPerSample)
  const sensed = samplesSensed(pool, offset, sensingEnd, o.classes)
  return {
    sensingEnd,
    computeFrom,
    computeTo,
    sensed,
    capacity,
    workload: Math.min(sensed, capacity),
  }
}
