import { expect, onTestFinished, test } from 'vitest'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import type { GraphProto, NodeProto } from '../../../training/onnx/onnx-proto.ts'
import { elementCount } from '../../../training/onnx/tensor.ts'
import { Evaluator } from '../../../training/trainer/evaluator.ts'
import { loadOrt } from '../../../training/trainer/ort-session.ts'
import { TrainingRun } from '../../../training/trainer/training-run.ts'
import { readFashionMnist } from '../../support/fashion-mnist.ts'
import { convReference } from './cases/convolution-cases.ts'
import { maxPoolReference } from './cases/pooling-cases.ts'
import { given } from './cases/reference-loops.ts'
import { type Float64Tensor, type ReferenceOperator, relativeError } from './reference-check.ts'
import { buildSmallCnn } from './small-cnn.ts'

const operators: Readonly<Record<string, ReferenceOperator>> = {
  Conv: convReference,
  MaxPool: maxPoolReference,
  Relu: inputs => {
    const { shape, values } = given(inputs, 0)
    return [{ shape, values: values.map(value => Math.max(0, value)) }]
  },
  Flatten: inputs => {
    const { shape, values } = given(inputs, 0)
    const [batch = 0] = shape
    return [{ shape: [batch, values.length / batch], values }]
  },
  /** With the right one transposed. */
  Gemm: inputs => {
    const [a, b, c] = [given(inputs, 0), given(inputs, 1), given(inputs, 2)]
    const [rows = 0, size = 0] = a.shape
    const [columns = 0] = b.shape
    const values = new Float64Array(rows * columns)
    for (const [place] of values.entries()) {
      const [row, column] = [Math.floor(place / columns), place % columns]
      const weights = b.values.subarray(column * size, (column + 1) * size)
      const sum = weights.reduce((s, w, k) => s + w * (a.values[row * size + k] ?? 0), 0)
      values[place] = sum + (c.values[column] ?? 0)
    }
    return [{ shape: [rows, columns], values }]
  },
}

/** The mean softmax cross-entropy of the model in float64. */
function referenceLoss(
  { node: nodes }: GraphProto,
  values: ReadonlyMap<string, Float64Tensor>,
  labels: Int32Array,
): number {
  const known = new Map(values)
  const compute = (node: NodeProto) =>
    operators[node.opType ?? '']?.(
      node.input.map(name => known.get(name)),
      node,
    ) ?? []
  for (const node of nodes) {
    for (const [index, tensor] of compute(node).entries())
      known.set(node.output[index] ?? '', tensor)
  }
  const logits = known.get('logits')
  const [, classes = 0] = logits?.shape ?? []
  const losses = Array.from(labels, (label, row) => {
    const scores = logits?.values.subarray(row * classes, (row + 1) * classes) ?? new Float64Array()
    const mass = scores.reduce((sum, score) => sum + Math.exp(score), 0)
    return Math.log(mass) - (scores[label] ?? Number.NaN)
  })
  return losses.reduce((sum, loss) => sum + loss, 0) / labels.length
}

test('the gradients of a whole CNN equal differences of a float64 reference', async () => {
  const seed = 23
  const random = seededRandom(seed)
  const batch = 3
  const size = 8
  const { bytes, graph } = buildSmallCnn({ size, channels: [2, 8], classes: 4, seed })
  const { artifact, training, samples } = await openOn(bytes, {
    inputs: Float32Array.from({ length: batch * size * size }, random),
    labels: Int32Array.from([3, 0, 1]),
    inputWidth: size * size,
  })
  const [loss] = await training.step({ steps: 1, learningRate: 1 })
  const after = training.parameters()
  const { parameters, initialParameters } = artifact
  const flat = Float64Array.from(initialParameters)
  const values = new Map<string, Float64Tensor>([
    ['image', { shape: [batch, 1, size, size], values: Float64Array.from(samples.inputs) }],
    ...parameters.map(({ name, shape, offset, count }) => {
      return [name, { shape, values: flat.subarray(offset, offset + count) }] as const
    }),
  ])
  const at = () => referenceLoss(graph, values, samples.labels)
  expect(loss).toBeCloseTo(at(), 5)
  for (const { name, offset, count } of parameters) {
    const places = Array.from(
      { length: Math.min(count, 20) },
      () => offset + Math.floor(random() * count),
    )
    const expected = Float64Array.from(places, place => {
      const value = flat[place] ?? 0
      flat[place] = value + 1e-5
      const above = at()
      flat[place] = value - 1e-5
      const below = at()
      flat[place] = value
      return (above - below) / 2e-5
    })
    // A rate of 1 leaves the gradient as what a step took away.
    const actual = places.map(place => (initialParameters[place] ?? 0) - (after[place] ?? 0))
    expect(relativeError(actual, expected), `${name}, seed ${seed}`).toBeLessThan(1e-4)
  }
})

async function openOn(
  bytes: Uint8Array,
  samples: {
    readonly inputs: Float32Array
    readonly labels: Int32Array
    readonly inputWidth: number
  },
) {
  const artifact = buildTrainingArtifact(bytes, {
    loss: 'softmax-cross-entropy',
    optimizer: { kind: 'sgd' },
    batch: samples.labels.length,
  })
  const parameters = artifact.initialParameters
  const job = { artifact: artifact.bytes, parameters, ...samples, seed: 1 }
  const training = await TrainingRun.open(await loadOrt(), job)
  onTestFinished(() => training.release())
  return { artifact, training, samples }
}

test('a small CNN learns to tell clothes apart in a few hundred steps', async ({ skip }) => {
  const samples = readFashionMnist('train10k', 6000)
  const heldBack = readFashionMnist('t2k', 1000)
  if (!samples || !heldBack) return skip('this machine has no shared data/fashion-mnist')
  const model = buildSmallCnn({ size: 28, channels: [8, 16], classes: 10, seed: 5 }).bytes
  const artifact = buildTrainingArtifact(model, {
    loss: 'softmax-cross-entropy',
    optimizer: { kind: 'adam' },
    batch: 32,
  })
  // Two convolutions, at each place of the image and of its half, and the product with the features.
  const products = 28 ** 2 * 8 * 9 + 14 ** 2 * 16 * 8 * 9 + 10 * elementCount([16, 7, 7])
  expect(artifact.flopsPerSample).toBe(3 * 2 * products)
  const ort = await loadOrt()
  const parameters = artifact.initialParameters
  const training = await TrainingRun.open(ort, {
    artifact: artifact.bytes,
    parameters,
    ...samples,
    seed: 2,
  })
  onTestFinished(() => training.release())
  const losses = await training.step({ steps: 400, learningRate: 0.002 })
  const mean = (part: Float32Array) => part.reduce((sum, loss) => sum + loss, 0) / part.length
  expect(mean(losses.subarray(0, 3))).toBeGreaterThan(1.5)
  expect(mean(losses.subarray(350))).toBeLessThan(0.6)
  const evaluator = new Evaluator(ort)
  onTestFinished(() => evaluator.release())
  const learned = training.parameters()
  const { lossMean } = await evaluator.evaluate({ model, parameters: learned, ...heldBack })
  // Ten classes by chance: ln 10 = 2.3.
  expect(lossMean).toBeLessThan(0.7)
})
