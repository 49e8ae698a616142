import { describe, expect, onTestFinished, test } from 'vitest'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../training/onnx/onnx-codec.ts'
import { buildTensor } from '../../../training/onnx/tensor.ts'
import { Evaluator } from '../../../training/trainer/evaluator.ts'
import { loadOrt } from '../../../training/trainer/ort-session.ts'
import { TrainerProcess } from '../../../training/trainer/trainer-process.ts'
import { type TrainingJob, TrainingRun } from '../../../training/trainer/training-run.ts'
import { LinearRegression } from './linear-regression.ts'

const SEED = 53
const optimizer = { kind: 'sgd' } as const

/** y = x · w, one weight a column, with a second output that says how large y is. */
const scalingModel = (outputs: readonly string[]) =>
  encodeModel(
    buildModel({
      opset: OPSET_MAX,
      graph: {
        node: [
          buildNode({ opType: 'Mul', inputs: ['x', 'w'], outputs: ['y'] }),
          buildNode({ opType: 'Mul', inputs: ['y', 'y'], outputs: ['size'] }),
        ],
        name: 'scaling',
        initializer: [
          buildTensor({ name: 'w', type: ELEMENT.float, shape: [3], values: [0, 2, -1] }),
        ],
        input: [buildValueInfo('x', ELEMENT.float, ['batch', 3])],
        output: outputs.map(name => buildValueInfo(name, ELEMENT.float, ['batch', 3])),
        valueInfo: [],
      },
    }),
  )
const scaling = scalingModel(['y', 'size'])
const inputs = Float32Array.of(1, 2, 3, -1, 0.5, 1)

async function open(
  options: Partial<Parameters<typeof buildTrainingArtifact>[1]>,
  job: Partial<TrainingJob> = {},
) {
  const artifact = buildTrainingArtifact(scaling, {
    loss: { kind: 'model-output', output: 'size' },
    optimizer,
    batch: 2,
    ...options,
  })
  const parameters = artifact.initialParameters
  const training = await TrainingRun.open(await loadOrt(), {
    artifact: artifact.bytes,
    parameters,
    inputs,
    inputWidth: 3,
    seed: SEED,
    ...job,
  })
  onTestFinished(() => training.release())
  return training
}

test('a model trains on the output that is named, without labels', async () => {
  const training = await open({})
  const losses = await training.step({ steps: 60, learningRate: 0.4 })
  expect(losses[0]).toBeCloseTo((4 ** 2 + 3 ** 2 + 0.5 ** 2 * 4 + 1) / 6, 5)
  expect(losses.at(-1)).toBeLessThan(1e-4)
})

test('an output that is not there, or none where there are several, is refused', () => {
  const build = (loss: 'model-output' | { kind: 'model-output'; output: string }) => () =>
    buildTrainingArtifact(scaling, { loss, optimizer, batch: 2 })
  expect(build('model-output')).toThrow('a model with one output, this one has 2')
  expect(build({ kind: 'model-output', output: 'z' })).toThrow('has no output z, but y, size')
})

describe('a regression', () => {
  const SAMPLES = 600
  const regression = new LinearRegression({ sampleCount: SAMPLES, seed: SEED })
  const { model, inputs, labels, initial } = regression
  const samples = { inputs, inputWidth: 3, labels }
  const sampleWeights = Float32Array.from({ length: SAMPLES }, (_, row) => (row % 5) / 2)

  test('is evaluated by the loss that is named, over all batches, by weight', async () => {
    const evaluator = new Evaluator(await loadOrt())
    onTestFinished(() => evaluator.release())
    const version = { model, parameters: initial, loss: 'mean-squared-error' } as const
    const values = Float64Array.from(initial)
    const even = await evaluator.evaluate({ ...version, ...samples })
    expect(even.sampleCount).toBe(SAMPLES)
    expect(even.lossMean).toBeCloseTo(regression.gradientAt(values).loss, 5)
    const weighted = await evaluator.evaluate({ ...version, ...samples, sampleWeights })
    expect(weighted.lossMean).toBeCloseTo(regression.gradientAt(values, sampleWeights).loss, 5)
  })

  test('trains in a process of its own on a schedule, with its average', async () => {
    const artifact = buildTrainingArtifact(model, {
      loss: 'huber',
      optimizer: { kind: 'adam-w' },
      batch: 32,
      proximal: true,
      average: { kind: 'polyak' },
    })
    const trainer = await TrainerProcess.start()
    onTestFinished(() => trainer.stop())
    const parameters = artifact.initialParameters
    const job = { artifact: artifact.bytes, parameters, ...samples, sampleWeights, seed: 1 }
    await trainer.load({ ...job, proximal: { strength: 0.01 } })
    const learningRate = { kind: 'cosine', rate: 0.05, steps: 150, warmupSteps: 10 } as const
    await trainer.step({ steps: 150, learningRate })
    const version = { model, loss: 'huber', ...samples } as const
    const before = await trainer.evaluate({ ...version, parameters })
    const learned = await trainer.evaluate({ ...version, parameters: await trainer.parameters() })
    const averaged = await trainer.evaluate({ ...version, parameters: await trainer.averages() })
    expect(learned.lossMean).toBeLessThan(before.lossMean * 0.8)
    expect(averaged.lossMean).toBeLessThan(before.lossMean * 0.9)
  })

  const job = (more: Partial<TrainingJob>) => regression.open({ optimizer, batch: 8 }, more)

  test.each<{ name: string; more: Partial<TrainingJob>; words: string }>([
    {
      name: 'too few labels',
      more: { labels: labels.subarray(2) },
      words: '600 samples need 1200 labels, 1198 were given',
    },
    {
      name: 'classes',
      more: { labels: new Int32Array(2 * SAMPLES) },
      words: 'the loss takes float32 labels',
    },
    {
      name: 'a weight below 0',
      more: { sampleWeights: sampleWeights.with(3, -1) },
      words: 'sample 3 has the weight -1',
    },
    {
      name: 'a weight that is no number',
      more: { sampleWeights: sampleWeights.with(7, Number.NaN) },
      words: 'sample 7 has the weight NaN',
    },
    {
      name: 'too few weights',
      more: { sampleWeights: new Float32Array(3) },
      words: '600 samples have 3 weights',
    },
  ])('with $name is refused', async ({ more, words }) => {
    await expect(job(more)).rejects.toThrow(words)
  })
})

describe('classes', () => {
  const single = { loss: 'softmax-cross-entropy' } as const
  const model = new LinearRegression({ sampleCount: 2, seed: SEED })
  const build = (loss: Parameters<typeof buildTrainingArtifact>[1]['loss']) =>
    buildTrainingArtifact(model.model, { loss, optimizer, batch: 2 })
  const train = async (labels: Int32Array, ignoreIndex?: number) => {
    const loss = { kind: single.loss, ...(ignoreIndex === undefined ? {} : { ignoreIndex }) }
    const parameters = model.initial
    const job = { artifact: build(loss).bytes, parameters, inputs: model.inputs, inputWidth: 3 }
    const training = await TrainingRun.open(await loadOrt(), { ...job, labels, seed: 1 })
    onTestFinished(() => training.release())
    return training.step({ steps: 1, learningRate: 0.1 })
  }

  test.each([2, -1, -100])('out of range are refused by sample: %d', async label => {
    const words = `sample 1 has the label ${label}, there are 2 classes`
    await expect(train(Int32Array.of(0, label))).rejects.toThrow(words)
  })

  test('out of range are read where they are the ignored one', async () => {
    const [both] = await train(Int32Array.of(0, 0))
    const [first] = await train(Int32Array.of(0, -100), -100)
    expect(first).toBeGreaterThan(0)
    expect(first).not.toBe(both)
  })

  test('are needed', async () => {
    const artifact = build(single.loss).bytes
    const job = {
      artifact,
      parameters: model.initial,
      inputs: model.inputs,
      inputWidth: 3,
      seed: 1,
    }
    await expect(TrainingRun.open(await loadOrt(), job)).rejects.toThrow('the loss needs labels')
  })

  test('with too few weights are refused with the loss by name', () => {
    const loss = { kind: single.loss, classWeights: [1, 2, 3] }
    expect(() => build(loss)).toThrow(
      'the loss softmax-cross-entropy has 3 class weights for 2 classes',
    )
  })
})

test('a reconstruction learns to give back its samples', async () => {
  const artifact = buildTrainingArtifact(scalingModel(['y']), {
    loss: 'reconstruction',
    optimizer,
    batch: 2,
  })
  const parameters = artifact.initialParameters
  const job = { artifact: artifact.bytes, parameters, inputs, inputWidth: 3, seed: SEED }
  const training = await TrainingRun.open(await loadOrt(), job)
  onTestFinished(() => training.release())
  await training.step({ steps: 100, learningRate: 0.5 })
  for (const weight of training.parameters()) expect(weight).toBeCloseTo(1, 3)
})

test('a reconstruction compares predictions with samples of as many numbers', async () => {
  const { model } = new LinearRegression({ sampleCount: 2, seed: SEED })
  const build = () => buildTrainingArtifact(model, { loss: 'reconstruction', optimizer, batch: 2 })
  expect(build).toThrow('cannot compare a prediction of [2,2] with samples of [2,3]')
})
