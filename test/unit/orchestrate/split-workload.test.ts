import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { splitCapacity } from '../../../controller/orchestrate/split-workload.ts'
import { consumptionCapacity } from '../../../controller/orchestrate/workload.ts'
import { poolOf, smallNeeds, smallPools } from './pools.ts'

const pools = smallPools({ slotsMax: 7, blocksMax: 6, flopsMax: 30 })
const perSample = fc.record({
  downloadBitsPerSample: fc.nat({ max: 3 }),
  uploadBitsPerSample: fc.nat({ max: 3 }),
})

describe('split workload', () => {
  test('without traffic per sample it is the ordinary capacity', () => {
    fc.assert(
      fc.property(pools, smallNeeds, (pool, needs) => {
        const split = { ...needs, downloadBitsPerSample: 0, uploadBitsPerSample: 0 }
        const whole = consumptionCapacity(pool, needs)
        expect(splitCapacity(pool, split, 1000)).toBe(whole.ok ? whole.capacity : 0)
      }),
    )
  })

  test('it is the last of all numbers of samples that fit', () => {
    fc.assert(
      fc.property(pools, smallNeeds, perSample, (pool, needs, traffic) => {
        const most = splitCapacity(pool, { ...needs, ...traffic }, 40)
        // Each sample more costs whole blocks and FLOP of the window: count them one by one.
        const whole = consumptionCapacity(pool, needs)
        if (!whole.ok) {
          expect(most).toBe(0)
          return
        }
        const { computeFrom, computeTo } = whole.window
        const blocks = pool.blocks.slice(computeFrom, computeTo).reduce((a, b) => a + b, 0)
        const bits = traffic.downloadBitsPerSample + traffic.uploadBitsPerSample
        const carried = bits > 0 ? Math.floor(blocks / bits) : Number.POSITIVE_INFINITY
        expect(most).toBe(Math.min(whole.capacity, carried, 40))
      }),
    )
  })

  test('traffic per sample takes from the blocks of the window only', () => {
    const pool = poolOf({ blocks: [0, 2, 2, 2, 2], flops: [0, 9, 9, 9, 9] })
    const needs = { downloadBits: 1, uploadBits: 1, flopsPerSample: 1 }
    const split = { ...needs, downloadBitsPerSample: 1, uploadBitsPerSample: 1 }
    expect(splitCapacity(pool, split, 100)).toBe(2)
    expect(splitCapacity(pool, split, 1)).toBe(1)
  })
})
