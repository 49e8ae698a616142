import { expect, test } from 'vitest'
import { ComputeOverhead } from '../../../controller/rounds/compute-overhead.ts'

/** 1,000 samples of 1 MFLOP on a core of 1 GFLOP/s: a second, were there no overhead. */
const run = { flopsPerSecond: 1e9, flopsPerSample: 1e6, samplesTrained: 1000 }

test('before anything was trained a run is taken to need twice the ideal time', () => {
  expect(new ComputeOverhead().factor('a', 'prose')).toBe(2)
})

test('the first run counts wholly, later ones pull the factor towards what they took', () => {
  const overhead = new ComputeOverhead()
  overhead.learn('a', 'prose', { ...run, cpuSeconds: 5 })
  expect(overhead.factor('a', 'prose')).toBe(5)
  overhead.learn('a', 'prose', { ...run, cpuSeconds: 10 })
  expect(overhead.factor('a', 'prose')).toBeCloseTo(7, 9)
  for (let count = 0; count < 30; count++) overhead.learn('a', 'prose', { ...run, cpuSeconds: 3 })
  expect(overhead.factor('a', 'prose')).toBeCloseTo(3, 4)
})

test('each agent and model has its own', () => {
  const overhead = new ComputeOverhead()
  overhead.learn('a', 'prose', { ...run, cpuSeconds: 5 })
  expect(overhead.factor('a', 'code')).toBe(2)
  expect(overhead.factor('b', 'prose')).toBe(2)
})

test('a planned run of the learned factor would take just what the run took', () => {
  const overhead = new ComputeOverhead()
  overhead.learn('a', 'prose', { ...run, samplesTrained: 250, cpuSeconds: 1.5 })
  const flops = run.flopsPerSample * overhead.factor('a', 'prose') * 250
  expect(flops / run.flopsPerSecond).toBeCloseTo(1.5, 9)
})

test.each([
  ['no time at all', { cpuSeconds: 0 }],
  ['no sample', { samplesTrained: 0 }],
  ['no work in a sample', { flopsPerSample: 0 }],
  ['not a number', { cpuSeconds: Number.NaN }],
])('a report of %s teaches nothing', (_, change) => {
  const overhead = new ComputeOverhead()
  overhead.learn('a', 'prose', { ...run, cpuSeconds: 4, ...change })
  expect(overhead.factor('a', 'prose')).toBe(2)
})

test('nonsense is bounded, so that it can neither starve an agent nor drown it', () => {
  const overhead = new ComputeOverhead()
  overhead.learn('a', 'prose', { ...run, cpuSeconds: 1e12 })
  overhead.learn('b', 'prose', { ...run, cpuSeconds: 1e-9 })
  expect([overhead.factor('a', 'prose'), overhead.factor('b', 'prose')]).toEqual([1000, 0.1])
})

test('a prediction stands in for the factor that nobody knows yet', () => {
  expect(new ComputeOverhead().factor('a', 'prose', 1.3)).toBe(1.3)
})

test('real steps correct the prediction, also when the board measures itself anew', () => {
  const overhead = new ComputeOverhead()
  // 12 s for 10 ideal ones, where 1.5 times the ideal was predicted.
  const run = { cpuSeconds: 12, flopsPerSecond: 1e9, flopsPerSample: 1e7, samplesTrained: 1000 }
  overhead.learn('a', 'prose', { ...run, predicted: 1.5 })
  expect(overhead.factor('a', 'prose', 1.5)).toBeCloseTo(1.2, 9)
  expect(overhead.factor('a', 'prose', 3)).toBeCloseTo(2.4, 9)
  expect(overhead.factor('a', 'prose')).toBeCloseTo(1.2, 9)
  expect(overhead.factor('b', 'prose', 1.5)).toBe(1.5)
})
