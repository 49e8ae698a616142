import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { hasCode } from '../../../runtime/errors.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { type AdapterOptions, adaptModel } from '../../../training/adapters/adapter.ts'
import { mergeLora } from '../../../training/adapters/lora-merge.ts'
import { readFormMetadata } from '../../../training/forms/form-metadata.ts'
import { buildInferenceForm } from '../../../training/forms/inference-form.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildByteLanguageModel } from '../../../training/models/byte-language-model.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { decodeModel, encodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { TensorProto } from '../../../training/onnx/onnx-proto.ts'
import { buildTensor } from '../../../training/onnx/tensor.ts'
import { floatOutput, loadOrt } from '../../../training/trainer/ort-session.ts'
import { TrainingRun } from '../../../training/trainer/training-run.ts'
import { largestDifference, openGraph } from './form-runs.ts'
import { relativeError } from './reference-check.ts'
import { buildSmallAttention, LENGTH, WORDS } from './small-attention.ts'

const SEED = 53
const BATCH = 6
const random = seededRandom(SEED)
const attention = buildSmallAttention(SEED)

const words = Int32Array.from({ length: BATCH * LENGTH }, () => Math.floor(random() * WORDS))
const labels = Int32Array.from({ length: BATCH }, () => Math.floor(random() * WORDS))

async function predict(model: Uint8Array): Promise<Float32Array> {
  const { Tensor } = await loadOrt()
  const ids = BigInt64Array.from(words, BigInt)
  const { run } = await openGraph(model)
  const ran = await run({ words: new Tensor('int64', ids, [BATCH, LENGTH]) })
  return floatOutput(ran, 'logits')
}

function hashesOf(tensors: readonly TensorProto[]): ReadonlyMap<string | undefined, string> {
  return new Map(
    tensors.map(({ name, rawData = new Uint8Array() }) => [
      name,
      createHash('sha256').update(rawData).digest('hex'),
    ]),
  )
}

/** The adapted model after some steps, in which only what was added moved. */
async function train(adapted: ReturnType<typeof adaptModel>) {
  const artifact = buildTrainingArtifact(adapted.bytes, {
    loss: 'softmax-cross-entropy',
    optimizer: { kind: 'adam' },
    batch: BATCH,
    trainable: adapted.trainable,
  })
  const { bytes, parameters, initialParameters } = artifact
  const training = await TrainingRun.open(await loadOrt(), {
    artifact: bytes,
    parameters: initialParameters,
    inputs: words,
    inputWidth: LENGTH,
    labels,
    seed: SEED,
  })
  const losses = await training.step({ steps: 40, learningRate: 0.05 })
  const values = training.parameters()
  await training.release()
  const model = buildInferenceForm(adapted.bytes, { parameters, values })
  return { losses, parameters, model, artifact }
}

const lora = {
  kind: 'lora',
  match: ['query.weight', 'value.*', 'output.weight'],
  rank: 2,
  alpha: 4,
} as const satisfies AdapterOptions
const bottleneck = {
  kind: 'bottleneck',
  match: ['seen', 'mean'],
  size: 3,
  activation: 'tanh',
} as const satisfies AdapterOptions
const prefix = {
  kind: 'prefix',
  match: ['key', 'value'],
  length: 2,
} as const satisfies AdapterOptions

const sizes = [
  ['LoRA', lora, ['query', 'value', 'output'].flatMap(() => [1, 1]).length, 2 * (8 + 8) + 8 + 22],
  ['bottleneck adapters', bottleneck, 8, 2 * (12 + 3 + 12 + 4)],
  ['prefix vectors', prefix, 2, 2 * 8],
] as const

describe.each(sizes)('%s', (_, options, tensorCount, elements) => {
  const adapted = adaptModel(attention, options)

  test('are all that is trained, and lower the loss', async () => {
    const { losses, parameters } = await train(adapted)
    expect(parameters.map(({ name }) => name).toSorted()).toEqual(adapted.trainable.toSorted())
    expect(parameters).toHaveLength(tensorCount)
    expect(parameters.reduce((sum, { count }) => sum + count, 0)).toBe(elements)
    expect(losses.at(-1), `seed ${SEED}`).toBeLessThan(0.95 * (losses[0] ?? 0))
  })

  test('leave the bytes of the backbone as they are, before and after training', async () => {
    const backbone = hashesOf(decodeModel(attention).graph?.initializer ?? [])
    const { model } = await train(adapted)
    for (const bytes of [adapted.bytes, model]) {
      const hashes = hashesOf(decodeModel(bytes).graph?.initializer ?? [])
      for (const [name, hash] of backbone) expect(hashes.get(name), name).toBe(hash)
    }
  })

  test('are built in the same, byte for byte, each time', () => {
    expect(adaptModel(attention, options).bytes).toEqual(adapted.bytes)
    expect(adaptModel(attention, { ...options, seed: 9 }).bytes).not.toEqual(adapted.bytes)
  })
})

test.each([
  ['LoRA', lora],
  ['bottleneck adapters', bottleneck],
])('a model with %s is at first the model itself, exactly', async (_, options) => {
  const { bytes } = adaptModel(attention, options)
  expect(largestDifference(await predict(bytes), await predict(attention))).toBe(0)
})

test('LoRA merged into the weights predicts what it did beside them', async () => {
  const { model } = await train(adaptModel(attention, lora))
  const merged = mergeLora(model)
  const before = decodeModel(attention).graph
  const after = decodeModel(merged).graph
  expect(after?.node).toEqual(before?.node)
  expect(after?.initializer.map(({ name }) => name)).toEqual(
    before?.initializer.map(({ name }) => name),
  )
  const [beside, within] = [await predict(model), await predict(merged)]
  expect(largestDifference(beside, await predict(attention))).toBeGreaterThan(0.1)
  expect(relativeError(within, Float64Array.from(beside)), `seed ${SEED}`).toBeLessThan(1e-6)
  expect(() => mergeLora(merged)).toThrow('no LoRA that could be merged')
})

test('adapters of several kinds are built in one after the other', async () => {
  const first = adaptModel(attention, lora)
  const second = adaptModel(first.bytes, bottleneck)
  const third = adaptModel(second.bytes, { ...lora, match: ['key.weight'] })
  expect(largestDifference(await predict(third.bytes), await predict(attention))).toBe(0)
  const trainable = [...first.trainable, ...second.trainable, ...third.trainable]
  const { model } = await train({ bytes: third.bytes, trainable })
  const merged = mergeLora(model)
  const beside = Float64Array.from(await predict(model))
  expect(relativeError(await predict(merged), beside), `seed ${SEED}`).toBeLessThan(1e-6)
  expect(decodeModel(merged).graph?.initializer.map(({ name }) => name)).toContain(
    'seen.adapter.up.weight',
  )
})

test('vectors before the tokens reach as far as the graph sums up, or until they are cut', async () => {
  const options = { kind: 'prefix', match: ['embedded'], length: 3 } as const
  const { losses } = await train(adaptModel(attention, options))
  expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0)
  const cut = adaptModel(attention, { ...options, until: ['hidden'] })
  expect((await train(cut)).losses.at(-1)).toBeLessThan(losses[0] ?? 0)
})

describe('refused by name is', () => {
  const byteModel = buildByteLanguageModel({
    contextBytes: 4,
    embeddingSize: 3,
    hiddenSizes: [5],
    seed: 1,
  })
  test.each([
    ['LoRA on a table', { ...lora, match: ['embedding'] }, 'embedding names no matrix that is the'],
    ['LoRA on nothing', { ...lora, match: ['*.wait'] }, '*.wait names no matrix'],
    ['LoRA on LoRA', { ...lora, match: ['*'] }, 'is made twice'],
    ['an adapter of no value', { ...bottleneck, match: ['sen'] }, 'no node of the model makes'],
    ['an adapter of ids', { ...bottleneck, match: ['words'] }, 'no node of the model makes'],
    [
      'a prefix of what is no sequence',
      { ...prefix, match: ['mean'] },
      'mean has no prefix: it is no float32 value of [batch, …, sequence, width]',
    ],
    [
      'a prefix that reaches the other operand of a sum',
      { ...prefix, match: ['seen'] },
      'does not permit a prefix there: node hidden (Add)',
    ],
  ] as const)('%s', (_, options, message) => {
    const build = () => adaptModel(adaptModel(attention, lora).bytes, options)
    expect(build).toThrow(message)
    expect(build).toThrow(expect.toSatisfy(error => hasCode(error, 'MODEL_INVALID')))
  })

  test('a prefix in a model whose layers know how long a sequence is', () => {
    const build = () => adaptModel(byteModel, { ...prefix, match: ['embedded'] })
    expect(build).toThrow('does not permit a prefix there: node hidden.0.sum (Gemm)')
  })

  test('a prefix that reaches the outputs', () => {
    const model = decodeModel(attention)
    const output = [buildValueInfo('hidden', ELEMENT.float, ['batch', LENGTH, 4])]
    const graph = model.graph && { ...model.graph, output }
    const open = encodeModel({ ...model, ...(graph ? { graph } : {}) })
    const build = () => adaptModel(open, { kind: 'prefix', match: ['embedded'], length: 2 })
    expect(build).toThrow('name where it ends with until')
  })
})

test('what the file states of a value goes for it behind an adapter, too', async () => {
  const values = new Float32Array(9).fill(0.5)
  const shape = ['batch', 3] as const
  const graph = {
    node: [
      buildNode({ opType: 'MatMul', inputs: ['x', 'w'], outputs: ['product'] }),
      // An operator of which only the file says what it makes.
      buildNode({ opType: 'Shrink', inputs: ['product'], outputs: ['y'] }),
    ],
    name: 'stated',
    initializer: [buildTensor({ name: 'w', type: ELEMENT.float, shape: [3, 3], values })],
    input: [buildValueInfo('x', ELEMENT.float, shape)],
    output: [buildValueInfo('y', ELEMENT.float, shape)],
    valueInfo: [buildValueInfo('y', ELEMENT.float, shape)],
  }
  const model = encodeModel(buildModel({ opset: OPSET_MAX, graph }))
  const adapted = adaptModel(model, { kind: 'bottleneck', match: ['y'], size: 2 })
  const built = buildTrainingArtifact(adapted.bytes, {
    loss: 'mean-squared-error',
    optimizer: { kind: 'adam' },
    batch: 4,
    trainable: adapted.trainable,
  })
  expect(built.parameters).toHaveLength(4)
  const merged = mergeLora(adaptModel(model, { ...lora, match: ['w'] }).bytes)
  expect(decodeModel(merged).graph?.valueInfo).toEqual(graph.valueInfo)
})

test('a form of an adapted model names the adapted one as its source', async () => {
  const { bytes } = adaptModel(attention, lora)
  const { model } = await train(adaptModel(attention, lora))
  const source = createHash('sha256').update(bytes).digest('hex')
  expect(readFormMetadata(model)).toMatchObject({ form: 'infer', source })
})
