import fc from 'fast-check'
import type { SlotPool } from '../../../controller/orchestrate/slot-pool.ts'

/** A pool by its slots; slot 0 is the control slot and is given as 0. One bit a block. */
export function poolOf(o: {
  readonly blocks: readonly number[]
  readonly flops: readonly number[]
  readonly bitsPerBlock?: number
}): SlotPool {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return {
    slots: o.blocks.length,
    slotSeconds: 1,
    blocks: Float64Array.from(o.blocks),
    flops: Float64Array.from(o.flops),
    units: Float64Array.from(o.flops, flops => (flops > 0 ? 1 : 0)),
    blocksMax: sum(o.blocks),
    flopsMax: sum(o.flops),
    downlinkBitsPerBlock: o.bitsPerBlock ?? 1,
    uplinkBitsPerBlock: o.bitsPerBlock ?? 1,
  }
}

/** Small pools of whole numbers, so that every plan can be tried. */
export function smallPools(o: { slotsMax: number; blocksMax: number; flopsMax: number }) {
  return fc
    .integer({ min: 2, max: o.slotsMax })
    .chain(slots => {
      const row = (max: number) =>
        fc.array(fc.nat({ max }), { minLength: slots - 1, maxLength: slots - 1 })
      return fc.record({ blocks: row(o.blocksMax), flops: row(o.flopsMax) })
    })
    .map(({ blocks, flops }) => poolOf({ blocks: [0, ...blocks], flops: [0, ...flops] }))
}

export const smallNeeds = fc.record({
  downloadBits: fc.nat({ max: 6 }),
  uploadBits: fc.nat({ max: 6 }),
  flopsPerSample: fc.integer({ min: 1, max: 7 }),
})
