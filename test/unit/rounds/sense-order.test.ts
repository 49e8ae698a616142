import { describe, expect, test } from 'vitest'
import { senseOrderOf } from '../../../controller/rounds/sense-order.ts'
import type { SensingFigures } from '../../../protocol/urp.ts'
import { poolOf } from '../orchestrate/pools.ts'
import { offerOf } from './plans.ts'

const edge = {
  agentId: 'a',
  modelId: 'prose',
  device: 0,
  model: 0,
  gain: 1,
  workload: 40,
  correlation: 1,
  limitedBy: 'sensing',
  sensingCapacity: 40,
  consumptionCapacity: 90,
  needs: { downloadBits: 1, uploadBits: 1, flopsPerSample: 1 },
  sensor: 'text',
  sensorSlots: [1, 6],
} as const

/** Slots 1, 2, 4 and 5 have blocks; slot 3 has one. */
const pool = poolOf({ blocks: [0, 4, 4, 1, 4, 2], flops: [0, 1, 1, 1, 1, 1] })

/** Of four blocks, the first is free least. */
const values = Float32Array.from({ length: 6 * 4 }, (_, cell) => [0.2, 1, 0.5, 1][cell % 4] ?? 0)
const availability = { rows: 6, columns: 4, values }
const frequency = [{ link: 'edge', kind: 'spectrum' as const, blockCount: 4, availability }]

function orderOf(sensor: Partial<SensingFigures>, o: { rowsPerSecond?: number } = {}) {
  const urp = { ...offerOf(sensor), frequency }
  const { rowsPerSecond } = o
  const takes = rowsPerSecond === undefined ? {} : { rowsPerSecond }
  const spread = { ...edge, sensorSlots: [1, 6] as [number, number] }
  return senseOrderOf({ crId: 7, edge: spread, takes, urp, link: 'edge', pool })
}

describe('an order to sense', () => {
  test('of a sensor that takes no blocks is one run of slots, at its own rate', () => {
    expect(orderOf({ rowsPerSecond: 100 })).toEqual({
      grId: 7,
      modelId: 'prose',
      sensor: 'text',
      slots: [[1, 6]],
      samplesWanted: 40,
    })
  })

  test('has the rate that the model asks for, where the sensor is faster', () => {
    expect(orderOf({ rowsPerSecond: 100 }, { rowsPerSecond: 25 }).rowsPerSecond).toBe(25)
    expect(orderOf({ rowsPerSecond: 20 }, { rowsPerSecond: 25 }).rowsPerSecond).toBeUndefined()
  })

  test('of a radio has the runs of slots in which its blocks are free', () => {
    expect(orderOf({ resourceBlocks: 2 }).slots).toEqual([
      [1, 3],
      [4, 6],
    ])
    expect(orderOf({ resourceBlocks: 3 }).slots).toEqual([
      [1, 3],
      [4, 5],
    ])
  })

  test('of a radio names the blocks that are free most over those slots', () => {
    expect(orderOf({ resourceBlocks: 3 }).blocks).toEqual([1, 2, 3])
  })
})
