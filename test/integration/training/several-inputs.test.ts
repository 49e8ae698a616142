import { describe, expect, onTestFinished, test } from 'vitest'
import { seededRandom, standardNormal } from '../../../runtime/seeded-random.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildTrainingForms } from '../../../training/forms/training-forms.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { decodeModel, encodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { NodeProto } from '../../../training/onnx/onnx-proto.ts'
import { buildTensor } from '../../../training/onnx/tensor.ts'
import type { Samples } from '../../../training/samples/samples.ts'
import { buildSplitForms } from '../../../training/split/split-forms.ts'
import { Evaluator } from '../../../training/trainer/evaluator.ts'
import { loadOrt } from '../../../training/trainer/ort-session.ts'
import { TrainingRun } from '../../../training/trainer/training-run.ts'

const SEED = 41
const SAMPLE_COUNT = 40
const random = seededRandom(SEED)
const normals = (count: number) =>
  Float32Array.from({ length: count }, () => standardNormal(random))

const weights = [
  buildTensor({ name: 'table', type: ELEMENT.float, shape: [7, 2], values: normals(14) }),
  buildTensor({ name: 'weight', type: ELEMENT.float, shape: [5, 3], values: normals(15) }),
  buildTensor({ name: 'sizes', type: ELEMENT.int64, shape: [2], values: [3, 1] }),
  buildTensor({ name: 'columns', type: ELEMENT.int64, shape: [1], values: [1] }),
]

/** Scores of three classes from three numbers and the embedding of an id. */
function modelOf(
  input: Parameters<typeof buildValueInfo>[],
  first: readonly NodeProto[],
  outputs: readonly string[] = ['scores'],
): Uint8Array {
  const node = [
    ...first,
    buildNode({ opType: 'Gather', inputs: ['table', 'id'], outputs: ['embedded'] }),
    buildNode({
      opType: 'Concat',
      inputs: ['numbers', 'embedded'],
      outputs: ['features'],
      attributes: [attr.int('axis', 1)],
    }),
    buildNode({ opType: 'MatMul', inputs: ['features', 'weight'], outputs: ['scores'] }),
    buildNode({ opType: 'Softmax', inputs: ['scores'], outputs: ['shares'] }),
  ]
  return encodeModel(
    buildModel({
      opset: OPSET_MAX,
      graph: {
        node,
        name: 'mixed',
        initializer: weights,
        input: input.map(info => buildValueInfo(...info)),
        output: outputs.map(name => buildValueInfo(name, ELEMENT.float, ['batch', 3])),
        valueInfo: [],
      },
    }),
  )
}

const twoInputs = (elementType: number, outputs?: readonly string[]) =>
  modelOf(
    [
      ['numbers', ELEMENT.float, ['batch', 3]],
      ['id', elementType, ['batch']],
    ],
    [],
    outputs,
  )

/** The same, its id among the numbers. */
const oneInput = modelOf(
  [['row', ELEMENT.float, ['batch', 4]]],
  [
    buildNode({
      opType: 'Split',
      inputs: ['row', 'sizes'],
      outputs: ['numbers', 'column'],
      attributes: [attr.int('axis', 1)],
    }),
    buildNode({ opType: 'Squeeze', inputs: ['column', 'columns'], outputs: ['place'] }),
    buildNode({
      opType: 'Cast',
      inputs: ['place'],
      outputs: ['id'],
      attributes: [attr.int('to', ELEMENT.int64)],
    }),
  ],
)

const numbers = normals(3 * SAMPLE_COUNT)
const id = Int32Array.from({ length: SAMPLE_COUNT }, () => Math.floor(random() * 7))
const labels = Int32Array.from({ length: SAMPLE_COUNT }, () => Math.floor(random() * 3))
const rows = Float32Array.from({ length: 4 * SAMPLE_COUNT }, (_, place) => {
  const [row, column] = [Math.floor(place / 4), place % 4]
  return (column < 3 ? numbers[3 * row + column] : id[row]) ?? Number.NaN
})

const byName: Samples = { inputs: { numbers, id }, labels }
const inOneArray: Samples = { inputs: rows, inputWidth: 4, labels }

function build(model: Uint8Array, more: Partial<Parameters<typeof buildTrainingArtifact>[1]> = {}) {
  return buildTrainingArtifact(model, {
    loss: 'softmax-cross-entropy',
    optimizer: { kind: 'adam' },
    batch: 8,
    ...more,
  })
}

async function open(model: Uint8Array, samples: Samples, more: Parameters<typeof build>[1] = {}) {
  const { bytes, initialParameters } = build(model, more)
  const training = await TrainingRun.open(await loadOrt(), {
    artifact: bytes,
    parameters: initialParameters,
    ...samples,
    seed: SEED,
  })
  onTestFinished(() => training.release())
  return training
}

describe('a model of two inputs', () => {
  test.each([
    ['int64', ELEMENT.int64, {}],
    ['int32', ELEMENT.int32, {}],
    ['int64, accumulated', ELEMENT.int64, { batch: 4, accumulation: 2 }],
  ])('trains as one that has them in one array, bit for bit: ids of %s', async (_, type, more) => {
    const [apart, whole] = [
      await open(twoInputs(type), byName, more),
      await open(oneInput, inOneArray, more),
    ]
    const options = { steps: 30, learningRate: 0.05 }
    const losses = await apart.step(options)
    expect(losses).toEqual(await whole.step(options))
    expect(apart.parameters()).toEqual(whole.parameters())
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 2)
  })

  test('is evaluated like one that has them in one array', async () => {
    const evaluator = new Evaluator(await loadOrt())
    onTestFinished(() => evaluator.release())
    const model = twoInputs(ELEMENT.int64)
    const { initialParameters: parameters } = build(model)
    const apart = await evaluator.evaluate({ model, parameters, ...byName })
    expect(apart).toEqual(await evaluator.evaluate({ model: oneInput, parameters, ...inOneArray }))
  })

  test.each([
    ['one array', { inputs: numbers, labels }, 'has the inputs numbers, id: give the samples of'],
    ['one of them', { inputs: { numbers }, labels }, 'the samples lack the input id'],
    ['one too many', { inputs: { numbers, id, it: id }, labels }, 'no input it, but numbers, id'],
    [
      'fewer of one',
      { inputs: { numbers, id: id.slice(1) }, labels },
      'there are 40 samples, but 39 of id',
    ],
    [
      'ids as floats',
      { inputs: { numbers, id: Float32Array.from(id) }, labels },
      'another element type',
    ],
  ] as const)('refuses %s', async (_, samples, words) => {
    await expect(open(twoInputs(ELEMENT.int64), samples)).rejects.toThrow(words)
  })
})

test('every form takes each of the inputs by its name', () => {
  const { models } = buildTrainingForms(twoInputs(ELEMENT.int64), {
    loss: 'softmax-cross-entropy',
    optimizer: { kind: 'adam' },
    batch: 8,
    forms: ['scan', 'step', 'grad', 'eval'],
  })
  for (const bytes of Object.values(models)) {
    const names = decodeModel(bytes).graph?.input.map(({ name }) => name)
    expect(names).toEqual(
      expect.arrayContaining(['data.samples.numbers', 'data.samples.id', 'data.labels']),
    )
  }
})

test('a split model has all of its inputs before the cut', () => {
  const build = (cut: string) =>
    buildSplitForms(twoInputs(ELEMENT.int64), {
      loss: 'softmax-cross-entropy',
      optimizer: { kind: 'adam' },
      batch: 8,
      cuts: [[cut]],
    })
  expect(build('features').inner[0]?.parameters.map(({ name }) => name)).toEqual(['table'])
  expect(() => build('embedded')).toThrow('numbers goes round it, to node features (Concat)')
})

test('a model of several outputs trains on the one that is named', async () => {
  const model = twoInputs(ELEMENT.int64, ['shares', 'scores'])
  expect(() => build(model)).toThrow('one output, this one has 2: name the prediction')
  const training = await open(model, byName, { prediction: 'scores' })
  const alone = await open(twoInputs(ELEMENT.int64), byName)
  const options = { steps: 5, learningRate: 0.05 }
  expect(await training.step(options)).toEqual(await alone.step(options))
})

test('an input whose elements samples do not have is refused by name', () => {
  expect(() => build(twoInputs(ELEMENT.string))).toThrow('the input id has elements of string')
})
