import { expect, onTestFinished, test } from 'vitest'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildByteLanguageModel } from '../../../training/models/byte-language-model.ts'
import type { OptimizerOptions } from '../../../training/optimizer/registry.ts'
import { nextByteSamples } from '../../../training/samples/next-byte-samples.ts'
import { Evaluator } from '../../../training/trainer/evaluator.ts'
import { loadOrt } from '../../../training/trainer/ort-session.ts'
import { TrainingRun } from '../../../training/trainer/training-run.ts'
import { referenceLoss } from './byte-model-reference.ts'

const CONTEXT_BYTES = 4
const model = buildByteLanguageModel({
  contextBytes: CONTEXT_BYTES,
  embeddingSize: 3,
  hiddenSizes: [6],
  seed: 11,
})
const text = new TextEncoder().encode('the cat sat on the mat.')
const windows = nextByteSamples(text, { contextBytes: CONTEXT_BYTES, samplesMax: 100_000 })

function build(optimizer: OptimizerOptions, batch: number) {
  return buildTrainingArtifact(model, { loss: 'softmax-cross-entropy', optimizer, batch })
}

async function open(artifact: ReturnType<typeof build>, parameters = artifact.initialParameters) {
  const training = await TrainingRun.open(await loadOrt(), {
    artifact: artifact.bytes,
    parameters,
    ...windows,
    seed: 3,
  })
  onTestFinished(() => training.release())
  return training
}

test('the gradients of a whole model equal differences of a float64 reference', async () => {
  const seed = 17
  // A rate of 1 leaves the gradient as what a step took away. More rows than samples: the rest of
  // the batch is filled up with weight 0 and must not count.
  const artifact = build({ kind: 'sgd' }, windows.labels.length + 9)
  const training = await open(artifact)
  const [loss] = await training.step({ steps: 1, learningRate: 1 })
  const after = training.parameters()
  const { parameters, initialParameters } = artifact
  const values = Float64Array.from(initialParameters)
  const at = () => referenceLoss({ parameters, values, windows })
  expect(loss).toBeCloseTo(at(), 5)
  const random = seededRandom(seed)
  const checked = parameters.flatMap(({ offset, count }) =>
    Array.from({ length: 12 }, () => offset + Math.floor(random() * count)),
  )
  for (const place of checked) {
    const value = values[place] ?? 0
    values[place] = value + 1e-5
    const above = at()
    values[place] = value - 1e-5
    const expected = (above - at()) / 2e-5
    values[place] = value
    const gradient = (initialParameters[place] ?? 0) - (after[place] ?? 0)
    const error = Math.abs(gradient - expected)
    expect(error, `parameter ${place}, gradient ${expected}, seed ${seed}`).toBeLessThan(1e-6)
  }
})

test('training is repeated bit for bit by its seed, however the steps are cut', async () => {
  const artifact = build({ kind: 'adam' }, 8)
  const [once, again] = [await open(artifact), await open(artifact)]
  const losses = await once.step({ steps: 40, learningRate: 0.01 })
  const parts: number[] = []
  for (const steps of [1, 7, 32]) {
    parts.push(...(await again.step({ steps, learningRate: 0.01 })))
  }
  expect(parts).toEqual([...losses])
  expect(again.parameters()).toEqual(once.parameters())
})

test('the values of a checkpoint stay when training goes on', async () => {
  const training = await open(build({ kind: 'adam' }, 4))
  const states = () => [...training.checkpoint().states.values()]
  await training.step({ steps: 1, learningRate: 0.01 })
  const kept = states()
  const copies = kept.map(values => values.slice())
  await training.step({ steps: 2, learningRate: 0.01 })
  expect(kept).toEqual(copies)
  expect(states()).not.toEqual(copies)
})

test('evaluation gives the training loss of the same data and parameters', async () => {
  const artifact = build({ kind: 'sgd' }, windows.labels.length)
  const training = await open(artifact)
  const [loss = Number.NaN] = await training.step({ steps: 1, learningRate: 0.1 })
  const evaluator = new Evaluator(await loadOrt())
  onTestFinished(() => evaluator.release())
  const parameters = artifact.initialParameters
  const evaluated = await evaluator.evaluate({ model, parameters, ...windows })
  expect(evaluated.sampleCount).toBe(windows.labels.length)
  expect(evaluated.lossMean).toBeCloseTo(loss, 6)
})

test('evaluation of many batches is the mean over all samples', async () => {
  const random = seededRandom(5)
  const noise = Uint8Array.from({ length: 700 }, () => random() * 256)
  const artifact = build({ kind: 'sgd' }, 8)
  const evaluator = new Evaluator(await loadOrt())
  onTestFinished(() => evaluator.release())
  const { parameters, initialParameters } = artifact
  const many = nextByteSamples(noise, { contextBytes: CONTEXT_BYTES, samplesMax: 100_000 })
  const values = Float64Array.from(initialParameters)
  const { lossMean } = await evaluator.evaluate({ model, parameters: initialParameters, ...many })
  expect(lossMean).toBeCloseTo(referenceLoss({ parameters, values, windows: many }), 5)
})

test('data and parameters that do not fit the model are refused', async () => {
  const ort = await loadOrt()
  const { bytes, initialParameters } = build({ kind: 'adam' }, 8)
  const job = { artifact: bytes, parameters: initialParameters, ...windows, seed: 1 }
  await expect(TrainingRun.open(ort, { ...job, inputWidth: 5 })).rejects.toThrow('of width 4')
  const few = new Float32Array(7)
  await expect(TrainingRun.open(ort, { ...job, parameters: few })).rejects.toThrow('7 were given')
  const inputs = Float32Array.from(job.inputs)
  await expect(TrainingRun.open(ort, { ...job, inputs })).rejects.toThrow('another element type')
})
