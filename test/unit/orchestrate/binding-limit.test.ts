import { expect, test } from 'vitest'
import { modelOf, offerOf, plan, sensedBy } from '../rounds/plans.ts'

type Figures = Parameters<typeof modelOf>[1]

function limitOf(model: Figures, sensor: Parameters<typeof offerOf>[0] = {}) {
  const urps = new Map([['a', offerOf(sensor)]])
  return plan({ urps, models: [modelOf('prose', model)] }).choices[0]?.limitedBy
}

/** Each half of these counts where the other has none: χ is small, and twice of it brings most. */
const halves = (from: number) => ({
  kind: 'byte-histogram' as const,
  counts: Array.from({ length: 256 }, (_, bin) => (bin >= from && bin < from + 128 ? 99 : 0)),
  sampleCount: 256,
})

test.each([
  [
    'data, where the sensor delivers less than could be trained on',
    {},
    { rowsPerSecond: 9 },
    'data',
  ],
  [
    'compute, where the one slot that transfers leave is too short',
    {},
    { rowsPerSecond: 9000 },
    'compute',
  ],
])('%s', (_, model, sensor, limit) => {
  expect(limitOf(model, sensor)).toBe(limit)
})

test('spectrum, where a radio that senses finds its blocks taken', () => {
  // Download and upload leave eight of ten blocks in two slots of three.
  const urps = new Map([['a', offerOf({ resourceBlocks: 9 })]])
  expect(plan({ urps, sensed: sensedBy('a', 300) }).choices[0]?.limitedBy).toBe('spectrum')
})

test('correlation, where the device has other data than the model wants', () => {
  const urps = new Map([['a', offerOf({ sketch: halves(0) })]])
  const models = [modelOf('prose', { targetSketch: halves(128) })]
  expect(plan({ urps, models }).choices[0]?.limitedBy).toBe('correlation')
})

test('alternatives stand beside the choice, the best first, three at most', () => {
  const models = ['e', 'd', 'c', 'b', 'a'].map((id, at) => modelOf(id, { value: 1 - at / 10 }))
  const [choice] = plan({ urps: new Map([['a', offerOf()]]), models }).choices
  expect(choice?.modelId).toBe('e')
  expect(choice?.alternatives?.map(({ modelId }) => modelId)).toEqual(['d', 'c', 'b'])
  expect(choice?.alternatives?.[0]).toMatchObject({ workload: 400, correlation: 1 })
})
