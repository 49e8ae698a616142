import { expect, test } from 'vitest'
import { overlapRatio } from '../../../controller/rounds/overlap.ts'
import type { PhaseInterval } from '../../../protocol/assignment.ts'

const phase = (from: number, to: number, name: PhaseInterval['phase'] = 'train') => ({
  phase: name,
  startedAt: new Date(from).toISOString(),
  endedAt: new Date(to).toISOString(),
})

test.each([
  ['wholly behind sensing', [[0, 100]], [[20, 60]], 1],
  ['after sensing', [[0, 100]], [[100, 200]], 0],
  ['half behind sensing', [[0, 100]], [[50, 150]], 0.5],
  [
    'in three phases with gaps',
    [[0, 100]],
    [
      [0, 20],
      [50, 70],
      [90, 130],
    ],
    0.625,
  ],
  ['without sensing', [], [[0, 10]], 0],
])('consumption %s', (_, sensing, consumption, ratio) => {
  const intervals = (pairs: number[][]) => pairs.map(([from = 0, to = 0]) => phase(from, to))
  const device = { sensing: intervals(sensing), consumption: intervals(consumption) }
  expect(overlapRatio([device])).toBeCloseTo(ratio, 9)
})

test('where nothing was consumed there is no ratio', () => {
  expect(overlapRatio([])).toBeUndefined()
  expect(overlapRatio([{ sensing: [phase(0, 10)], consumption: [] }])).toBeUndefined()
})

test('time counts and not devices: who consumes long weighs more', () => {
  const hidden = { sensing: [phase(0, 300)], consumption: [phase(0, 300)] }
  const serial = { sensing: [phase(0, 100)], consumption: [phase(100, 200)] }
  expect(overlapRatio([hidden, serial])).toBeCloseTo(0.75, 9)
})

test('one device does not hide behind the sensing of another', () => {
  const senses = { sensing: [phase(0, 100)], consumption: [] }
  const consumes = { sensing: [], consumption: [phase(0, 100)] }
  expect(overlapRatio([senses, consumes])).toBe(0)
})

test('intervals of a clock that ran backwards count as nothing', () => {
  const device = { sensing: [phase(100, 0)], consumption: [phase(50, 20), phase(0, 10)] }
  expect(overlapRatio([device])).toBe(0)
})
