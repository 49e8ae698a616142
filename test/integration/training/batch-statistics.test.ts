import { describe, expect, onTestFinished, test } from 'vitest'
import { seededRandom, standardNormal } from '../../../runtime/seeded-random.ts'
import { buildInferenceForm } from '../../../training/forms/inference-form.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildTrainingForms } from '../../../training/forms/training-forms.ts'
import type { TrainingOptions } from '../../../training/forms/training-options.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { decodeModel, encodeModel } from '../../../training/onnx/onnx-codec.ts'
import { buildTensor, float32Values } from '../../../training/onnx/tensor.ts'
import { Evaluator } from '../../../training/trainer/evaluator.ts'
import { loadOrt } from '../../../training/trainer/ort-session.ts'
import { TrainingRun } from '../../../training/trainer/training-run.ts'

const SEED = 20260108
const COUNT = 24
const MOMENTUM = 0.8
const random = seededRandom(SEED)
const inputs = Float32Array.from({ length: 2 * COUNT }, () => 3 + 2 * standardNormal(random))
const labels = Float32Array.from({ length: COUNT }, (_, row) =>
  Math.sign((inputs[2 * row] ?? 0) - 3),
)

const tensor = (name: string, shape: readonly number[], values: readonly number[]) =>
  buildTensor({ name, type: ELEMENT.float, shape, values })

/** y = normalized x · w, its statistics as of another data set: mean 0, variance 1. */
function model(training: boolean): Uint8Array {
  return encodeModel(
    buildModel({
      opset: 15,
      graph: {
        name: 'normalized',
        node: [
          buildNode({
            opType: 'BatchNormalization',
            inputs: ['x', 'scale', 'shift', 'mean', 'variance'],
            outputs: ['normal'],
            attributes: [
              attr.float('momentum', MOMENTUM),
              ...(training ? [attr.int('training_mode', 1)] : []),
            ],
          }),
          buildNode({ opType: 'MatMul', inputs: ['normal', 'w'], outputs: ['y'] }),
        ],
        initializer: [
          tensor('scale', [2], [1, 1]),
          tensor('shift', [2], [0, 0]),
          tensor('mean', [2], [0, 0]),
          tensor('variance', [2], [1, 1]),
          tensor('w', [2, 1], [0.5, -0.5]),
        ],
        input: [buildValueInfo('x', ELEMENT.float, ['batch', 2])],
        output: [buildValueInfo('y', ELEMENT.float, ['batch', 1])],
        valueInfo: [],
      },
    }),
  )
}

function build(options: Partial<TrainingOptions> = {}, bytes = model(false)) {
  return buildTrainingArtifact(bytes, {
    loss: 'mean-squared-error',
    optimizer: { kind: 'sgd' },
    batch: COUNT,
    ...options,
  })
}

const byBatch = { batchNormalization: 'training' } as const

async function train(
  artifact: ReturnType<typeof build>,
  { steps, learningRate }: { readonly steps: number; readonly learningRate: number },
) {
  const training = await TrainingRun.open(await loadOrt(), {
    artifact: artifact.bytes,
    parameters: artifact.initialParameters,
    inputs,
    labels,
    seed: SEED,
  })
  onTestFinished(() => training.release())
  const losses = await training.step({ steps, learningRate })
  const named = (flat: Float32Array) =>
    Object.fromEntries(
      artifact.parameters.map(({ name, offset, count }) => [
        name,
        Array.from(flat.subarray(offset, offset + count)),
      ]),
    )
  return { losses, flat: training.parameters(), named, training }
}

/** Mean and variance of a column, as Operators.md has them: over all, not all but one. */
function statistics(column: number) {
  const values = Array.from({ length: COUNT }, (_, row) => inputs[2 * row + column] ?? 0)
  const mean = values.reduce((a, b) => a + b, 0) / COUNT
  return { mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / COUNT }
}

/** After so many batches of all samples. */
function expectRunning(
  { mean = [], variance = [] }: Readonly<Record<string, readonly number[]>>,
  batches: number,
): void {
  const kept = MOMENTUM ** batches
  for (const column of [0, 1]) {
    const batch = statistics(column)
    expect(mean[column]).toBeCloseTo((1 - kept) * batch.mean, 4)
    expect(variance[column]).toBeCloseTo(kept + (1 - kept) * batch.variance, 4)
  }
}

async function evaluate(bytes: Uint8Array, parameters: Float32Array): Promise<number> {
  const evaluator = new Evaluator(await loadOrt())
  onTestFinished(() => evaluator.release())
  const { lossMean } = await evaluator.evaluate({
    model: bytes,
    parameters,
    inputs,
    inputWidth: 2,
    labels,
    loss: 'mean-squared-error',
    batchNormalization: 'training',
  })
  return lossMean
}

describe('in training, the running statistics', () => {
  test.each([1, 3])('follow those of %i batches and no learning rate', async steps => {
    const artifact = build(byBatch)
    expect(artifact.parameters.map(({ name }) => name)).toEqual([
      'scale',
      'shift',
      'mean',
      'variance',
      'w',
    ])
    const { named, flat } = await train(artifact, { steps, learningRate: 0 })
    expectRunning(named(flat), steps)
    expect(named(flat)).toMatchObject({ scale: [1, 1], shift: [0, 0], w: [0.5, -0.5] })
  })

  test('are not touched by optimizer, clipping and terms', async () => {
    const artifact = build({ ...byBatch, optimizer: { kind: 'adam' }, gradientNormMax: 0.1 })
    const { named, flat } = await train(artifact, { steps: 4, learningRate: 0.1 })
    expectRunning(named(flat), 4)
  })

  test('are exported as the initializers that they were', async () => {
    const bytes = model(true)
    const { parameters, ...artifact } = build({}, bytes)
    const { flat } = await train({ parameters, ...artifact }, { steps: 2, learningRate: 0 })
    const { graph } = decodeModel(buildInferenceForm(bytes, { parameters, values: flat }))
    const held = graph?.initializer.map(given => [given.name, Array.from(float32Values(given))])
    expectRunning(Object.fromEntries(held ?? []), 2)
    expect(graph?.node[0]?.attribute.map(({ name }) => name)).toEqual(['momentum'])
  })

  test('are averaged like the parameters', async () => {
    const artifact = build({ ...byBatch, average: { kind: 'polyak' } })
    const { named, training } = await train(artifact, { steps: 1, learningRate: 0 })
    expectRunning(named(training.averages()), 1)
  })

  test('are what the model is evaluated by: after many batches the loss is that of training', async () => {
    const bytes = model(false)
    const { losses, flat } = await train(build(byBatch), { steps: 60, learningRate: 0.05 })
    const after = await evaluate(bytes, flat)
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) * 0.8)
    expect(after).toBeCloseTo(losses.at(-1) ?? Number.NaN, 2)
  })
})

describe('by default', () => {
  test('a model exported for inference is frozen: its statistics stay and are no parameters', async () => {
    const artifact = build()
    expect(artifact.parameters.map(({ name }) => name)).toEqual(['scale', 'shift', 'w'])
    expect(build({ batchNormalization: 'frozen' }).bytes).toEqual(artifact.bytes)
    const { losses } = await train(artifact, { steps: 30, learningRate: 0.02 })
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) * 0.8)
  })

  test('a model exported for training is trained as it says', async () => {
    const artifact = build({}, model(true))
    expect(artifact.initialParameters).toEqual(build(byBatch).initialParameters)
    const { named, flat } = await train(artifact, { steps: 2, learningRate: 0 })
    expectRunning(named(flat), 2)
  })
})

test.each([
  ['a form of gradients alone', { forms: ['grad'] }],
  ['accumulation', { accumulation: 2, forms: ['scan'] }],
] as const)('%s refuses statistics, and says what to do', (_, more) => {
  const given = { loss: 'mean-squared-error', optimizer: { kind: 'sgd' }, batch: 2 } as const
  expect(() =>
    buildTrainingForms(model(true), { ...given, ...more, forms: [...more.forms] }),
  ).toThrow("batchNormalization: 'frozen'")
})

test('a step at a time moves them as a run of steps does', async () => {
  const { Tensor, InferenceSession } = await loadOrt()
  const options = { loss: 'mean-squared-error', optimizer: { kind: 'sgd' }, batch: COUNT } as const
  const { step } = buildTrainingForms(model(true), { ...options, forms: ['step'] }).models
  const session = await InferenceSession.create(step)
  onTestFinished(() => session.release())
  const mean = new Float32Array([0, 0])
  const feeds = Object.fromEntries(
    session.inputMetadata.map(info => {
      const shape = info.isTensor ? info.shape.map(Number) : []
      const count = shape.reduce((a, b) => a * b, 1)
      const value = info.name.endsWith('variance') || info.name === 'weights' ? 1 : 0
      const values = info.name.includes('samples') ? inputs : new Float32Array(count).fill(value)
      return [info.name, new Tensor('float32', info.name.endsWith('mean') ? mean : values, shape)]
    }),
  )
  const ran = await session.run(feeds)
  const updated = Object.entries(ran).find(([name]) => name.endsWith('mean'))?.[1].data
  expect(Array.from(updated as Float32Array)[0]).toBeCloseTo(0.2 * statistics(0).mean, 4)
  expect(mean).toEqual(new Float32Array([0, 0]))
})
