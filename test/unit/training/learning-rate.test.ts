import { expect, test } from 'vitest'
import { type LearningRate, learningRateSeries } from '../../../training/trainer/learning-rate.ts'

function firstRates(learningRate: LearningRate, count: number): number[] {
  const rateAt = learningRateSeries(learningRate)
  return Array.from({ length: count }, (_, index) => Number(rateAt(index + 1).toPrecision(6)))
}

test('a number is the rate of every step', () => {
  expect(firstRates(0.1, 3)).toEqual([0.1, 0.1, 0.1])
})

test('a constant rate can begin with a warm-up, at whose end it is reached', () => {
  const schedule = { kind: 'constant', rate: 0.4, warmupSteps: 4 } as const
  expect(firstRates(schedule, 6)).toEqual([0.1, 0.2, 0.3, 0.4, 0.4, 0.4])
})

test('a rate in steps falls by its factor each so many steps', () => {
  const schedule = { kind: 'step', rate: 1, everySteps: 2, factor: 0.5 } as const
  expect(firstRates(schedule, 6)).toEqual([1, 1, 0.5, 0.5, 0.25, 0.25])
})

test('a cosine begins at the rate, is halfway down in the middle and stays at its end', () => {
  const schedule = { kind: 'cosine', rate: 1, rateMin: 0.2, steps: 4 } as const
  expect(firstRates(schedule, 6)).toEqual([1, 0.882843, 0.6, 0.317157, 0.2, 0.2])
})

test('a linear decay comes after its warm-up, evenly down to the end', () => {
  const schedule = { kind: 'linear', rate: 1, warmupSteps: 2, steps: 6 } as const
  expect(firstRates(schedule, 8)).toEqual([0.5, 1, 1, 0.75, 0.5, 0.25, 0, 0])
})

test('a warm-up as long as the training leaves nothing to divide by', () => {
  const schedule = { kind: 'linear', rate: 1, warmupSteps: 2, steps: 2 } as const
  expect(firstRates(schedule, 4)).toEqual([0.5, 1, 1, 0])
})

test.each<LearningRate>([
  { kind: 'constant', rate: 0 },
  { kind: 'constant', rate: 1, warmupSteps: -1 },
  { kind: 'cosine', rate: 1, steps: 0 },
  { kind: 'step', rate: 1, everySteps: 1.5 },
])('%j is refused', schedule => {
  expect(() => learningRateSeries(schedule)).toThrow()
})
