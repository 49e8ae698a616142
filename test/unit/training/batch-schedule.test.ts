import { expect, test } from 'vitest'
import { BatchSchedule } from '../../../training/trainer/batch-schedule.ts'

test('an epoch takes every sample once and fills its last batch up with weight 0', () => {
  const schedule = new BatchSchedule({ sampleCount: 10, batch: 4, seed: 1 })
  expect(schedule.stepsPerEpoch).toBe(3)
  const { rows, weights } = schedule.take(0, 3)
  const taken = [...rows].filter((_, place) => weights[place] === 1)
  expect(taken.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect([...weights]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0])
})

test('the order changes from epoch to epoch and with the seed, and is repeated by the seed', () => {
  const build = (seed: number) => new BatchSchedule({ sampleCount: 64, batch: 64, seed })
  const [schedule, same, other] = [build(5), build(5), build(6)]
  const first = schedule.take(0, 1).rows
  expect(same.take(0, 1).rows).toEqual(first)
  expect(other.take(0, 1).rows).not.toEqual(first)
  expect(schedule.take(1, 1).rows).not.toEqual(first)
})

test('steps asked for in one call or in many take the same samples', () => {
  const build = () => new BatchSchedule({ sampleCount: 7, batch: 3, seed: 2 })
  const [together, apart] = [build(), build()]
  const rows = Array.from({ length: 8 }, (_, step) => [...apart.take(step, 1).rows]).flat()
  expect([...together.take(0, 8).rows]).toEqual(rows)
})

test('any step can be gone to at once, forwards and backwards', () => {
  const build = () => new BatchSchedule({ sampleCount: 7, batch: 3, seed: 2 })
  const [walked, jumped] = [build(), build()]
  const all = walked.take(0, 20).rows
  for (const step of [13, 2, 19, 0]) {
    expect(jumped.take(step, 1).rows).toEqual(all.slice(step * 3, step * 3 + 3))
  }
})

test('an empty data set is refused', () => {
  expect(() => new BatchSchedule({ sampleCount: 0, batch: 3, seed: 2 })).toThrow('no samples')
})
