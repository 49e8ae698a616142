import { describe, expect, test } from 'vitest'
import {
  type OptimizerOptions,
  optimizerKinds,
  optimizerSchema,
} from '../../../training/optimizer/registry.ts'
import type { LearningRate } from '../../../training/trainer/learning-rate.ts'
import { learningRateSeries } from '../../../training/trainer/learning-rate.ts'
import { LinearRegression } from './linear-regression.ts'
import { createReference } from './optimizer-references.ts'

const STEPS = 20
const SAMPLES = 12
const SEED = 43

/** float32 against float64: what rounding makes of numbers around 1 in 20 steps, with room. */
const ERROR_MAX = 2e-5

const settings: readonly OptimizerOptions[] = [
  { kind: 'sgd' },
  { kind: 'sgd', weightDecay: 0.3 },
  { kind: 'sgd', momentum: 0.9 },
  { kind: 'sgd', momentum: 0.8, nesterov: true },
  { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0.1 },
  { kind: 'adam' },
  { kind: 'adam', beta1: 0.8, beta2: 0.9, epsilon: 1e-3 },
  { kind: 'adam-w' },
  { kind: 'adam-w', beta1: 0.5, beta2: 0.95, epsilon: 1e-4, weightDecay: 0.5 },
  { kind: 'rms-prop' },
  { kind: 'rms-prop', smoothing: 0.9, epsilon: 1e-3, momentum: 0.7 },
  { kind: 'adagrad' },
  { kind: 'adagrad', epsilon: 0.1 },
  { kind: 'lamb' },
  { kind: 'lamb', beta1: 0.7, beta2: 0.9, epsilon: 1e-3, weightDecay: 0 },
]

test('every optimizer of the registry has its settings here', () => {
  expect(new Set(settings.map(({ kind }) => kind))).toEqual(new Set(optimizerKinds))
})

describe.each(settings.map(options => ({ name: JSON.stringify(options), options })))(
  '$name',
  ({ options }) => {
    test.each<LearningRate>([
      0.02,
      { kind: 'cosine', rate: 0.05, steps: STEPS, warmupSteps: 4, rateMin: 0.001 },
    ])('makes 20 steps as the textbook does, at the rate %j', async learningRate => {
      const regression = new LinearRegression({ sampleCount: SAMPLES, seed: SEED })
      const training = await regression.open({ optimizer: options, batch: SAMPLES })
      const losses = await training.step({ steps: STEPS, learningRate })
      const values = Float64Array.from(regression.initial)
      const move = createReference(optimizerSchema.parse(options), values.length)
      const rateAt = learningRateSeries(learningRate)
      const expected = Array.from({ length: STEPS }, (_, done) => {
        const { loss, gradient } = regression.gradientAt(values)
        move({ values, gradient, step: done + 1, learningRate: rateAt(done + 1) })
        return loss
      })
      const learned = training.parameters()
      expect(
        Math.max(...expected.map((loss, step) => Math.abs(loss - (losses[step] ?? NaN)))),
      ).toBeLessThan(ERROR_MAX)
      expect(
        Math.max(...values.map((value, place) => Math.abs(value - (learned[place] ?? NaN)))),
      ).toBeLessThan(ERROR_MAX)
      // All of them go downhill, or the comparison says little.
      expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0)
    })
  },
)

test('lamb moves a tensor of zeros, whose norm gives no ratio, at the plain rate', async () => {
  const regression = new LinearRegression({ sampleCount: SAMPLES, seed: SEED })
  const parameters = new Float32Array(regression.initial.length)
  const training = await regression.open(
    { optimizer: { kind: 'lamb', weightDecay: 0, epsilon: 1e-12 }, batch: SAMPLES },
    { parameters },
  )
  await training.step({ steps: 1, learningRate: 0.25 })
  // The first step of Adam is the sign of the gradient.
  for (const value of training.parameters()) expect(Math.abs(value)).toBeCloseTo(0.25, 5)
})

test('nesterov without a momentum is refused', () => {
  expect(optimizerSchema.safeParse({ kind: 'sgd', nesterov: true }).success).toBe(false)
})
