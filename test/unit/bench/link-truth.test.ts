import { describe, expect, test } from 'vitest'
import type { Cell, CellResult } from '../../../bench/link/cell.ts'
import { goodputRows, truthOf } from '../../../bench/link/goodput-rows.ts'
import { gridOf, RATES } from '../../../bench/link/grid.ts'

const CELL: Cell = { megabitsPerSecond: 100, rttMs: 100, lossShare: 0.01, direction: 'down' }

function resultOf(more: Partial<CellResult>): CellResult {
  return {
    cell: CELL,
    ours: 90e6,
    iperf3: 80e6,
    shaped: 100e6,
    capacityShare: 1.01,
    rttShare: 1.02,
    bytesSpent: 1,
    failed: [],
    ...more,
  }
}

describe('the truth for a transfer', () => {
  test('is the shaped rate where the congestion control models the link, whatever is lost', () => {
    expect(truthOf(resultOf({}), 'bbr')).toBe(100e6)
  })

  test('is the shaped rate where nothing is lost', () => {
    expect(truthOf(resultOf({ cell: { ...CELL, lossShare: 0 } }), 'cubic')).toBe(100e6)
  })

  test('is what iperf3 got where loss keeps any such transfer below the rate', () => {
    // Mathis: 1.22 * 11,584 bits / (0.1 s * 0.1) = 1.4 Mbit/s.
    expect(truthOf(resultOf({}), 'cubic')).toBe(80e6)
    // 1.22 * 11,584 bits / (0.005 s * 0.0316) = 90 Mbit/s, and the link carries 10.
    const short = { ...CELL, megabitsPerSecond: 10, rttMs: 5, lossShare: 0.001 }
    expect(truthOf(resultOf({ cell: short }), 'cubic')).toBe(100e6)
  })
})

describe('the grid', () => {
  test('has each delay with each loss, in both directions', () => {
    const cells = gridOf(10, { quick: false })
    expect(new Set(cells.map(({ rttMs, lossShare }) => `${rttMs} ${lossShare}`)).size).toBe(9)
    expect(new Set(cells.map(({ direction }) => direction)).size).toBe(2)
  })

  test('has in short each delay and each loss once, in both directions', () => {
    const cells = gridOf(10, { quick: true })
    expect(cells.map(({ rttMs }) => rttMs)).toEqual([5, 20, 100])
    expect(cells.map(({ lossShare }) => lossShare)).toEqual([0, 0.001, 0.01])
    expect(new Set(cells.map(({ direction }) => direction)).size).toBe(2)
  })
})

describe('the rows', () => {
  test('are medians of absolute shares of the truth, one set a rate', () => {
    const cells = [95e6, 104e6, 80e6].map(ours => resultOf({ ours }))
    const rows = goodputRows({ cells, congestionControl: 'bbr' })
    expect(rows.map(({ name }) => name)).toEqual([
      'goodput.error.100mbit',
      'goodput.vs-iperf3.100mbit',
      'iperf3.error.100mbit',
      'capacity.error.100mbit',
      'rtt.error.100mbit',
    ])
    expect(rows[0]).toMatchObject({ value: 0.05, low: 0.04, high: 0.2, n: 3, unit: 'of 1' })
    expect(rows[1]).toMatchObject({ value: 0.1875, low: 0, high: 0.3 })
  })

  test('count a transfer without an answer as wholly wrong, and leave out a train without', () => {
    const cells = [resultOf({ ours: undefined, capacityShare: undefined }), resultOf({})]
    const rows = goodputRows({ cells, congestionControl: 'bbr' })
    expect(rows[0]).toMatchObject({ value: 0.55, high: 1, n: 2 })
    expect(rows.find(({ name }) => name === 'capacity.error.100mbit')).toMatchObject({ n: 1 })
    expect(goodputRows({ cells: [], congestionControl: 'bbr' })).toEqual([])
    expect(RATES).toEqual([1, 10, 100, 300])
  })
})
