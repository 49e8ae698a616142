import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bestSerialSplit } from '../../../controller/orchestrate/serial-split.ts'
import {
  consumptionCapacity,
  type SensingClass,
  sensingCapacity,
} from '../../../controller/orchestrate/workload.ts'
import { poolOf, smallNeeds, smallPools } from './pools.ts'

const passive = (samplesPerSnapshot: number): SensingClass => ({
  samplesPerSnapshot,
  snapshotsPerSlotMax: 1,
  blocksPerSnapshot: 0,
  flopsPerSample: 0,
})

test('the best split is the best of all ends of sensing, each part on its own slots', () => {
  fc.assert(
    fc.property(
      smallPools({ slotsMax: 6, blocksMax: 4, flopsMax: 8 }),
      smallNeeds,
      fc.integer({ min: 1, max: 4 }),
      (pool, needs, rate) => {
        const ends = Array.from({ length: Math.max(0, pool.slots - 2) }, (_, at) => at + 2)
        const workloads = ends.map(end => {
          const before = { ...pool, slots: end }
          const after = {
            ...pool,
            blocks: pool.blocks.map((free, slot) => (slot < end ? 0 : free)),
            flops: pool.flops.map((free, slot) => (slot < end ? 0 : free)),
          }
          const consumption = consumptionCapacity(after, needs)
          const sensed = sensingCapacity(before, [passive(rate)])
          return consumption.ok ? Math.min(sensed, consumption.capacity) : 0
        })
        const split = bestSerialSplit(
          { ...pool, offset: 0 },
          {
            slotsEnd: pool.slots,
            classes: [passive(rate)],
            downloadBlocks: Math.ceil(needs.downloadBits / pool.downlinkBitsPerBlock),
            uploadBlocks: Math.ceil(needs.uploadBits / pool.uplinkBitsPerBlock),
            flopsPerSample: needs.flopsPerSample,
          },
        )
        expect(split?.workload ?? 0).toBe(Math.max(0, ...workloads))
      },
    ),
  )
})

test('of ends that bring as much, the earliest leaves consumption most time', () => {
  const pool = poolOf({ blocks: [0, 1, 1, 1, 1, 1, 1], flops: [0, 1, 1, 1, 1, 1, 1] })
  const needs = { slotsEnd: 7, downloadBlocks: 1, uploadBlocks: 1, flopsPerSample: 1 }
  const split = bestSerialSplit({ ...pool, offset: 0 }, { ...needs, classes: [passive(2)] })
  expect(split).toEqual({
    ...{ sensingEnd: 2, computeFrom: 3, computeTo: 6 },
    ...{ sensed: 2, capacity: 3, workload: 2 },
  })
})

test('where the parts do not fit one after the other, there is no split', () => {
  const pool = poolOf({ blocks: [0, 1, 1, 1], flops: [0, 1, 1, 1] })
  const needs = { slotsEnd: 4, downloadBlocks: 1, uploadBlocks: 1, flopsPerSample: 1 }
  expect(bestSerialSplit({ ...pool, offset: 0 }, { ...needs, classes: [passive(2)] })).toBeNull()
})
