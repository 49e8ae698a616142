import { describe, expect, onTestFinished, test } from 'vitest'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildByteLanguageModel } from '../../../training/models/byte-language-model.ts'
import { optimizerSchema } from '../../../training/optimizer/registry.ts'
import { nextByteSamples } from '../../../training/samples/next-byte-samples.ts'
import { loadOrt } from '../../../training/trainer/ort-session.ts'
import { TrainingRun } from '../../../training/trainer/training-run.ts'
import { LinearRegression } from './linear-regression.ts'
import { createReference } from './optimizer-references.ts'

const STEPS = 20
const SAMPLES = 12
const SEED = 47
const LEARNING_RATE = 0.05
/** float32 against float64: what rounding makes of numbers around 1 in 20 steps, with room. */
const ERROR_MAX = 2e-5

const optimizer = { kind: 'sgd', momentum: 0.8 } as const
const regression = new LinearRegression({ sampleCount: SAMPLES, seed: SEED })
const random = seededRandom(SEED)
const drawn = (count: number) => Float32Array.from({ length: count }, () => random() - 0.5)
const anchor = drawn(regression.initial.length)
const control = drawn(regression.initial.length)
const sampleWeights = drawn(SAMPLES).map(value => value + 0.6)
const none = new Float32Array(anchor.length)

interface Reference {
  readonly strength?: number
  readonly anchor?: Float32Array
  readonly control?: Float32Array
  readonly normMax?: number
  readonly weights?: Float32Array
}

/** Parameters after each step, and the loss before it, with the terms as the papers have them. */
function reference(o: Reference) {
  const values = Float64Array.from(regression.initial)
  const move = createReference(optimizerSchema.parse(optimizer), values.length)
  const start = o.anchor ?? regression.initial
  const after: Float64Array[] = []
  const losses: number[] = []
  for (let step = 1; step <= STEPS; step++) {
    const { loss, gradient } = regression.gradientAt(values, o.weights)
    const whole = gradient.map((g, place) => {
      const drift = (values[place] ?? 0) - (start[place] ?? 0)
      return g + (o.strength ?? 0) * drift + ((o.control ?? none)[place] ?? 0)
    })
    const scale = Math.min(1, (o.normMax ?? Infinity) / Math.hypot(...whole))
    const clipped = whole.map(g => g * scale)
    move({ values, gradient: clipped, step, learningRate: LEARNING_RATE })
    after.push(values.slice())
    losses.push(loss)
  }
  return { after, losses, last: after.at(-1) ?? values }
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual).toHaveLength(expected.length)
  const errors = Array.from(expected, (value, place) => Math.abs(value - (actual[place] ?? NaN)))
  expect(Math.max(...errors), `seed ${SEED}`).toBeLessThan(ERROR_MAX)
}

type Open = Parameters<LinearRegression['open']>

const everything: Open = [
  {
    optimizer,
    batch: 4,
    accumulation: 3,
    proximal: true,
    control: true,
    gradientNormMax: 0.7,
    average: { kind: 'exponential' },
  },
  { proximal: { strength: 0.4, anchor }, control, sampleWeights },
]

test.each<{ name: string; open: Open; expected: Reference }>([
  {
    name: 'FedProx pulls back to where training began',
    open: [{ optimizer, batch: SAMPLES, proximal: true }, { proximal: { strength: 0.7 } }],
    expected: { strength: 0.7 },
  },
  {
    name: 'FedProx pulls to the anchor of the job',
    open: [{ optimizer, batch: SAMPLES, proximal: true }, { proximal: { strength: 2, anchor } }],
    expected: { strength: 2, anchor },
  },
  {
    name: 'SCAFFOLD corrects each gradient by c − cᵢ',
    open: [{ optimizer, batch: SAMPLES, control: true }, { control }],
    expected: { control },
  },
  {
    name: 'gradients are clipped to a norm of all together',
    open: [{ optimizer, batch: SAMPLES, gradientNormMax: 0.3 }],
    expected: { normMax: 0.3 },
  },
  {
    name: 'a limit that no gradient reaches changes nothing',
    open: [{ optimizer, batch: SAMPLES, gradientNormMax: 1000 }],
    expected: {},
  },
  {
    name: 'samples count by their weights',
    open: [{ optimizer, batch: SAMPLES }, { sampleWeights }],
    expected: { weights: sampleWeights },
  },
  {
    name: 'accumulated gradients are those of the large batch',
    open: [{ optimizer, batch: 4, accumulation: 3 }],
    expected: {},
  },
  {
    name: 'they are where parts are filled up, and one is nothing but filling',
    open: [{ optimizer, batch: 5, accumulation: 4 }, { sampleWeights }],
    expected: { weights: sampleWeights },
  },
  {
    name: 'all of it works together',
    open: everything,
    expected: { strength: 0.4, anchor, control, normMax: 0.7, weights: sampleWeights },
  },
])('$name', async ({ open, expected }) => {
  const training = await regression.open(...open)
  const losses = await training.step({ steps: STEPS, learningRate: LEARNING_RATE })
  const { last, losses: wanted } = reference(expected)
  expectClose(training.parameters(), last)
  expectClose(losses, wanted)
})

describe('an average of the parameters', () => {
  test('decays exponentially from the first step on', async () => {
    const decay = 0.8
    const training = await regression.open({
      optimizer,
      batch: SAMPLES,
      average: { kind: 'exponential', decay },
    })
    // Cut anywhere, for the average is carried from run to run.
    for (const steps of [1, 6, 13]) await training.step({ steps, learningRate: LEARNING_RATE })
    const { after, last } = reference({})
    const average = after.reduce((kept, values) =>
      kept.map((value, place) => decay * value + (1 - decay) * (values[place] ?? 0)),
    )
    expectClose(training.averages(), average)
    expectClose(training.parameters(), last)
  })

  test.each([0, 7])('is that of Polyak, over the steps after the first %d', async afterSteps => {
    const training = await regression.open({
      optimizer,
      batch: SAMPLES,
      average: { kind: 'polyak', afterSteps },
    })
    await training.step({ steps: STEPS, learningRate: LEARNING_RATE })
    const counted = reference({}).after.slice(afterSteps)
    const mean = counted
      .reduce((sum, values) => sum.map((value, place) => value + (values[place] ?? 0)))
      .map(value => value / counted.length)
    expectClose(training.averages(), mean)
  })

  test('is the parameters themselves before the first step', async () => {
    const average = { kind: 'polyak' } as const
    const training = await regression.open({ optimizer, batch: SAMPLES, average })
    expect(training.averages()).toEqual(regression.initial)
  })

  test('is not there for an artifact without one', async () => {
    const training = await regression.open({ optimizer, batch: SAMPLES })
    expect(() => training.averages()).toThrow('the artifact keeps no average')
  })
})

test('accumulation weighs parts by classes as the large batch does, in a model of any kind', async () => {
  const model = buildByteLanguageModel({
    contextBytes: 3,
    embeddingSize: 3,
    hiddenSizes: [5],
    seed: 3,
  })
  const text = new TextEncoder().encode('to be, or not to be: that')
  const windows = nextByteSamples(text, { contextBytes: 3, samplesMax: 100 })
  const classWeights = Array.from({ length: 256 }, (_, label) => 0.5 + (label % 7))
  const train = async (size: { readonly batch: number; readonly accumulation?: number }) => {
    const { bytes, initialParameters } = buildTrainingArtifact(model, {
      loss: { kind: 'softmax-cross-entropy', classWeights, labelSmoothing: 0.1 },
      optimizer: { kind: 'sgd' },
      ...size,
    })
    const job = { artifact: bytes, parameters: initialParameters, ...windows, seed: 5 }
    const training = await TrainingRun.open(await loadOrt(), job)
    onTestFinished(() => training.release())
    const losses = await training.step({ steps: 8, learningRate: 0.1 })
    return { losses, parameters: training.parameters() }
  }
  const whole = await train({ batch: 12 })
  const parts = await train({ batch: 4, accumulation: 3 })
  expectClose(parts.losses, whole.losses)
  expectClose(parts.parameters, whole.parameters)
})

test.each<{ name: string; open: Open; words: string }>([
  {
    name: 'an anchor for an artifact without the term',
    open: [{ optimizer, batch: 4 }, { proximal: { strength: 1 } }],
    words: 'the job brings proximal, for which the artifact was not built',
  },
  {
    name: 'no correction for an artifact that adds one',
    open: [{ optimizer, batch: 4, control: true }],
    words: 'the artifact has the term control, for which the job brings nothing',
  },
  {
    name: 'a correction of another size',
    open: [{ optimizer, batch: 4, control: true }, { control: new Float32Array(3) }],
    words: 'the model has 8 parameters, 3 were given',
  },
])('$name is refused', async ({ open, words }) => {
  await expect(regression.open(...open)).rejects.toThrow(words)
})

test.each([
  { accumulation: 0 },
  { accumulation: 1.5 },
  { gradientNormMax: 0 },
  { average: { kind: 'exponential', decay: 1 } as const },
])('an artifact of %j is refused', async wrong => {
  await expect(regression.open({ optimizer, batch: 4, ...wrong })).rejects.toThrow()
})
