import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SlotPool } from '../../../controller/orchestrate/slot-pool.ts'
import {
  achievableWorkload,
  arrangeConsumption,
  type ConsumptionNeeds,
  consumptionCapacity,
  consumptionWindow,
  type SensingClass,
  sensingCapacity,
  sensingClassOf,
  trainingFlopsPerSample,
} from '../../../controller/orchestrate/workload.ts'
import { mostSensed, phasePlans, samplesOf } from './plan-search.ts'
import { poolOf, smallNeeds, smallPools } from './pools.ts'

const passive = (samplesPerSnapshot: number, flopsPerSample: number): SensingClass => ({
  samplesPerSnapshot,
  snapshotsPerSlotMax: 1,
  blocksPerSnapshot: 0,
  flopsPerSample,
})

const capacityOf = (pool: SlotPool, needs: ConsumptionNeeds): number => {
  const consumption = consumptionCapacity(pool, needs)
  return consumption.ok ? consumption.capacity : 0
}

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0)

describe('sensing capacity', () => {
  test('without pre-processing it is the rate over the usable slots', () => {
    const pool = poolOf({ blocks: [0, 0, 0, 0], flops: [0, 0, 0, 0] })
    expect(sensingCapacity(pool, [passive(2.4, 0)])).toBe(7)
  })

  test('a sample waits for computing in a later slot of the same round', () => {
    const pool = poolOf({ blocks: [0, 0, 0, 0], flops: [0, 0, 0, 12] })
    expect(sensingCapacity(pool, [passive(2, 2)])).toBe(6)
  })

  test('computing before a sample is there does not serve it', () => {
    const pool = poolOf({ blocks: [0, 0, 0, 0], flops: [0, 12, 0, 0] })
    expect(sensingCapacity(pool, [passive(2, 2)])).toBe(2)
  })

  test('an active sensor delivers only in slots with enough free blocks', () => {
    const pool = poolOf({ blocks: [0, 4, 5, 11], flops: [0, 0, 0, 0] })
    const radio = { ...passive(3, 0), blocksPerSnapshot: 5 }
    expect(sensingCapacity(pool, [radio])).toBe(6)
    expect(
      sensingCapacity(pool, [{ ...radio, snapshotsPerSlotMax: Number.POSITIVE_INFINITY }]),
    ).toBe(9)
  })

  test('the figures of a sensor give its class', () => {
    const figures = {
      sensor: 'notes',
      kind: 'text-folder',
      samplesPerSecond: 40,
      bytesPerSecond: 2000,
      dropShare: 0.1,
      resourceBlocks: 2,
    }
    expect(sensingClassOf(figures, 0.5)).toEqual({ ...passive(20, 0), blocksPerSnapshot: 2 })
  })

  test('no split of the computing between two classes completes more samples', () => {
    const arrivals = fc.nat({ max: 3 })
    const cost = fc.integer({ min: 1, max: 4 })
    fc.assert(
      fc.property(
        smallPools({ slotsMax: 4, blocksMax: 0, flopsMax: 6 }),
        fc.tuple(arrivals, cost, arrivals, cost),
        (pool, [a, aCost, b, bCost]) => {
          const one = passive(a, aCost)
          const other = passive(b, bCost)
          expect(sensingCapacity(pool, [one, other])).toBe(mostSensed(pool, [one, other]))
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('consumption capacity', () => {
  test('computing lies between the last download slot and the first upload slot', () => {
    const pool = poolOf({ blocks: [0, 2, 2, 2, 2, 2], flops: [0, 9, 9, 9, 9, 9] })
    const needs = { downloadBits: 3, uploadBits: 2, flopsPerSample: 4 }
    expect(consumptionWindow(pool, needs)).toEqual({
      ok: true,
      downloadBlocks: 3,
      uploadBlocks: 2,
      computeFrom: 3,
      computeTo: 5,
    })
    expect(capacityOf(pool, needs)).toBe(4)
  })

  test('a payload fills whole blocks', () => {
    const pool = poolOf({ blocks: [0, 9, 9, 9], flops: [0, 1, 1, 1], bitsPerBlock: 100 })
    expect(
      consumptionWindow(pool, { downloadBits: 201, uploadBits: 200, flopsPerSample: 1 }),
    ).toMatchObject({ downloadBlocks: 3, uploadBlocks: 2 })
  })

  test('what does not fit is named with its number', () => {
    const pool = poolOf({ blocks: [0, 2, 2, 2], flops: [0, 9, 9, 9] })
    const reasonOf = (needs: ConsumptionNeeds) => {
      const consumption = consumptionCapacity(pool, needs)
      return consumption.ok ? '' : consumption.reason
    }
    expect(reasonOf({ downloadBits: 7, uploadBits: 1, flopsPerSample: 1 })).toBe(
      'the download needs 7 resource blocks, 6 are free',
    )
    expect(reasonOf({ downloadBits: 1, uploadBits: 7, flopsPerSample: 1 })).toBe(
      'the upload needs 7 resource blocks, 6 are free',
    )
    expect(reasonOf({ downloadBits: 3, uploadBits: 2, flopsPerSample: 1 })).toBe(
      'no slot is left to compute in: the download of 3 blocks ends before slot 3, ' +
        'the upload of 2 blocks starts in slot 3',
    )
    expect(reasonOf({ downloadBits: 1, uploadBits: 1, flopsPerSample: 10 })).toBe(
      'one sample needs 10.0 FLOP, 9.00 are free',
    )
  })

  test('no order of phases over the slots consumes more samples', () => {
    fc.assert(
      fc.property(
        smallPools({ slotsMax: 6, blocksMax: 4, flopsMax: 20 }),
        smallNeeds,
        (pool, needs) => {
          const most = phasePlans(pool.slots).reduce(
            (best, plan) => Math.max(best, samplesOf(plan, pool, needs) ?? 0),
            0,
          )
          expect(capacityOf(pool, needs)).toBe(most)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('epochs and overhead multiply what one sample takes', () => {
    const needs = { flopsPerSample: 1000, localEpochs: 3, computeOverhead: 1.5 }
    expect(trainingFlopsPerSample(needs)).toBe(4500)
  })
})

describe('achievable workload', () => {
  const pool = poolOf({ blocks: [0, 1, 1, 1, 1], flops: [0, 8, 8, 8, 8] })
  const needs = { downloadBits: 1, uploadBits: 1, flopsPerSample: 2 }
  const workloadAt = (samplesPerSlot: number) =>
    achievableWorkload({
      sensingPool: pool,
      consumptionPool: pool,
      classes: [passive(samplesPerSlot, 0)],
      needs,
    })

  test('the lesser of sensing and consumption limits it', () => {
    expect(workloadAt(1)).toMatchObject({ workload: 4, limitedBy: 'sensing' })
    expect(workloadAt(2)).toMatchObject({ workload: 8, limitedBy: 'sensing' })
    expect(workloadAt(3)).toEqual({
      ok: true,
      workload: 8,
      limitedBy: 'consumption',
      sensingCapacity: 12,
      consumptionCapacity: 8,
    })
  })

  test('less than one sample is infeasible, and says why', () => {
    expect(workloadAt(0.2)).toEqual({
      ok: false,
      reason: 'sensing delivers no whole sample in this CR',
    })
  })

  test('more of any resource in any slot never lowers it', () => {
    fc.assert(
      fc.property(
        smallPools({ slotsMax: 7, blocksMax: 4, flopsMax: 20 }),
        smallNeeds,
        fc.record({
          slot: fc.nat({ max: 20 }),
          blocks: fc.nat({ max: 3 }),
          flops: fc.nat({ max: 9 }),
          speed: fc.integer({ min: 1, max: 3 }),
        }),
        (poor, needs, more) => {
          const slot = 1 + (more.slot % (poor.slots - 1))
          const rich = {
            ...poor,
            blocks: poor.blocks.map((free, at) => free + (at === slot ? more.blocks : 0)),
            flops: poor.flops.map((free, at) => free + (at === slot ? more.flops : 0)),
            downlinkBitsPerBlock: poor.downlinkBitsPerBlock * more.speed,
            uplinkBitsPerBlock: poor.uplinkBitsPerBlock * more.speed,
          }
          const classes = [{ ...passive(2, 1), blocksPerSnapshot: 2 }, passive(1, 3)]
          const workloadOf = (one: SlotPool) => {
            const result = achievableWorkload({
              sensingPool: one,
              consumptionPool: one,
              classes,
              needs,
            })
            return result.ok ? result.workload : 0
          }
          expect(workloadOf(rich)).toBeGreaterThanOrEqual(workloadOf(poor))
        },
      ),
    )
  })
})

describe('canonical arrangement', () => {
  test('download comes first, computing right after, upload last', () => {
    const pool = poolOf({ blocks: [0, 2, 2, 2, 2, 2, 0], flops: [0, 8, 0, 8, 8, 8, 8] })
    const needs = { downloadBits: 1, uploadBits: 3, flopsPerSample: 2 }
    const arranged = arrangeConsumption(pool, needs, 4)
    expect(arranged).toMatchObject({
      ok: true,
      allocation: {
        downloadSlots: [1, 2],
        computeSlots: [3, 4],
        uploadSlots: [4, 6],
        downloadBlocks: 1,
        uploadBlocks: 3,
      },
    })
  })

  test('slots of every phase follow each other and the share is of busy units', () => {
    const pool = poolOf({ blocks: [0, 2, 2, 2, 2, 2], flops: [0, 8, 8, 8, 8, 8] })
    const needs = { downloadBits: 3, uploadBits: 1, flopsPerSample: 2 }
    const arranged = arrangeConsumption(pool, needs, 5)
    if (!arranged.ok) throw new Error(arranged.reason)
    expect(arranged.allocation).toEqual({
      downloadSlots: [1, 3],
      computeSlots: [3, 5],
      uploadSlots: [5, 6],
      downloadBlocks: 3,
      uploadBlocks: 1,
      computingShare: (1 + 0.25) / 2,
    })
    expect([...arranged.residual.blocks]).toEqual([0, 0, 1, 2, 2, 1])
    expect([...arranged.residual.flops]).toEqual([0, 8, 8, 0, 6, 8])
    expect([...arranged.residual.units]).toEqual([0, 1, 1, 0, 0.75, 1])
  })

  test('a model that the agent already holds takes no download slots', () => {
    const pool = poolOf({ blocks: [0, 2, 2], flops: [0, 8, 8] })
    const needs = { downloadBits: 0, uploadBits: 1, flopsPerSample: 2 }
    const arranged = arrangeConsumption(pool, needs, 4)
    if (!arranged.ok) throw new Error(arranged.reason)
    expect(arranged.allocation).toMatchObject({ downloadSlots: [1, 1], computeSlots: [1, 2] })
  })

  test('more samples than the capacity are refused with both numbers', () => {
    const pool = poolOf({ blocks: [0, 1, 1, 1], flops: [0, 8, 8, 8] })
    const needs = { downloadBits: 1, uploadBits: 1, flopsPerSample: 2 }
    expect(arrangeConsumption(pool, needs, 5)).toEqual({
      ok: false,
      reason: '5 samples do not fit, 4 do',
    })
  })

  test('every cell is either taken or left, and none is left negative', () => {
    fc.assert(
      fc.property(
        smallPools({ slotsMax: 8, blocksMax: 4, flopsMax: 20 }),
        smallNeeds,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (pool, needs, part) => {
          const count = Math.ceil(capacityOf(pool, needs) * part)
          const arranged = arrangeConsumption(pool, needs, count)
          if (!arranged.ok) return
          const { allocation, residual } = arranged
          const { downloadBlocks, uploadBlocks } = allocation
          for (const cells of [residual.blocks, residual.flops, residual.units]) {
            expect(Math.min(...cells)).toBeGreaterThanOrEqual(0)
          }
          expect(total(residual.blocks) + downloadBlocks + uploadBlocks).toBe(total(pool.blocks))
          expect(total(residual.flops) + count * needs.flopsPerSample).toBeCloseTo(
            total(pool.flops),
            9,
          )
          const { downloadSlots, computeSlots, uploadSlots } = allocation
          expect(downloadSlots[1]).toBeLessThanOrEqual(computeSlots[0])
          expect(computeSlots[1]).toBeLessThanOrEqual(uploadSlots[0])
          expect(allocation.computingShare).toBeLessThanOrEqual(1)
        },
      ),
    )
  })

  test('no plan leaves more computing in any last part of the round', () => {
    fc.assert(
      fc.property(
        smallPools({ slotsMax: 6, blocksMax: 4, flopsMax: 20 }),
        smallNeeds,
        (pool, needs) => {
          const count = Math.ceil(capacityOf(pool, needs) / 2)
          const arranged = arrangeConsumption(pool, needs, count)
          if (!arranged.ok) return
          for (const plan of phasePlans(pool.slots)) {
            if ((samplesOf(plan, pool, needs) ?? -1) < count) continue
            let rest = count * needs.flopsPerSample
            const left = pool.flops.map((free, slot) => {
              const used = plan[slot] === 'compute' ? Math.min(free, rest) : 0
              rest -= used
              return free - used
            })
            for (let from = 0; from < pool.slots; from++) {
              expect(total(arranged.residual.flops.subarray(from))).toBeGreaterThanOrEqual(
                total(left.subarray(from)) - 1e-9,
              )
            }
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})
