import { describe, expect, test } from 'vitest'
import { GainnetError, hasCode } from '../../../runtime/errors.ts'
import { type Random, seededRandom } from '../../../runtime/seeded-random.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildByteLanguageModel } from '../../../training/models/byte-language-model.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { decodeModel, encodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { GraphProto, NodeProto } from '../../../training/onnx/onnx-proto.ts'
import { buildTensor } from '../../../training/onnx/tensor.ts'

const SEED = 20260107
const ROUNDS = 1000
const FUZZ_MS = 60_000

const dense = buildByteLanguageModel({
  contextBytes: 4,
  embeddingSize: 3,
  hiddenSizes: [5],
  seed: 7,
})

const relu = (input: string, output: string) =>
  buildNode({ opType: 'Relu', inputs: [input], outputs: [output] })

function graphOf(node: readonly NodeProto[], output: string): GraphProto {
  return { node, name: 'g', initializer: [], input: [], output: [{ name: output }], valueInfo: [] }
}

const weight = buildTensor({
  name: 'w',
  type: ELEMENT.float,
  shape: [3, 2],
  values: Array(6).fill(1),
})

/** x·w through the nodes, from "product" to "y". */
function modelOf(node: readonly NodeProto[], more: Partial<GraphProto> = {}): Uint8Array {
  const product = buildNode({ opType: 'MatMul', inputs: ['x', 'w'], outputs: ['product'] })
  return encodeModel(
    buildModel({
      opset: OPSET_MAX,
      graph: {
        node: [product, ...node],
        name: 'test',
        initializer: [weight],
        input: [buildValueInfo('x', ELEMENT.float, ['batch', 3])],
        output: [buildValueInfo('y', ELEMENT.float, ['batch', 2])],
        valueInfo: [],
        ...more,
      },
    }),
  )
}

/** Decides by the first size of what comes in; each branch in a branch as deep as asked for. */
function branches(depth: number, input = 'product', output = 'y'): NodeProto[] {
  if (depth === 0) return [relu(input, output)]
  const id = `d${depth}`
  const inner = graphOf(branches(depth - 1, input, `${id}.inner`), `${id}.inner`)
  return [
    buildNode({ opType: 'Shape', inputs: [input], outputs: [`${id}.shape`] }),
    buildNode({ opType: 'ReduceProd', inputs: [`${id}.shape`], outputs: [`${id}.size`] }),
    buildNode({
      opType: 'Cast',
      inputs: [`${id}.size`],
      outputs: [`${id}.condition`],
      attributes: [attr.int('to', ELEMENT.bool)],
    }),
    buildNode({
      opType: 'If',
      inputs: [`${id}.condition`],
      outputs: [output],
      attributes: [
        attr.graph('then_branch', inner),
        attr.graph('else_branch', graphOf([relu(input, `${id}.other`)], `${id}.other`)),
      ],
    }),
  ]
}

const OPTIONS = {
  loss: 'softmax-cross-entropy',
  optimizer: { kind: 'adam' },
  batch: 2,
} as const

/** Why the model is refused; anything but a GainnetError is thrown on. */
function refusal(bytes: Uint8Array): string {
  try {
    buildTrainingArtifact(bytes, OPTIONS)
  } catch (error) {
    if (error instanceof GainnetError) return error.message
    throw error
  }
  return 'was built'
}

/** A bit, a byte or a stretch of bytes changed, cut out, put in or moved; once to three times. */
function damage(bytes: Uint8Array, random: Random): Uint8Array {
  const below = (count: number) => Math.floor(random() * count)
  let damaged = bytes.slice()
  for (let count = 1 + below(3); count > 0 && damaged.length > 0; count -= 1) {
    const [at, length] = [below(damaged.length), below(24)]
    const [before, after] = [damaged.subarray(0, at), damaged.subarray(at)]
    const byte = damaged[at] ?? 0
    const choices = [
      () => damaged.with(at, byte ^ (1 << below(8))),
      () => damaged.with(at, [0, 1, 0x7f, 0x80, 0xff][below(5)] ?? 0),
      () => before,
      () => [...before, ...after.subarray(length)],
      () => [...before, ...Array.from({ length }, () => below(256)), ...after],
      () => [...before, ...after.subarray(0, length), ...after],
    ]
    damaged = Uint8Array.from(choices[below(choices.length)]?.() ?? [])
  }
  return damaged
}

const NUMBERS = [0, 1, -1, 2, 7, 65_536, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 40, 2 ** 53 - 1]

/** What reads well, but says something else: numbers, names and parts of the model changed. */
function distort(bytes: Uint8Array, random: Random): Uint8Array {
  const below = (count: number) => Math.floor(random() * count)
  const model = structuredClone({ ...decodeModel(bytes) }) as unknown as Record<string, unknown>
  const places: { readonly holder: Record<string, unknown>; readonly key: string }[] = []
  const names: string[] = []
  const visit = (holder: Record<string, unknown>) => {
    for (const [key, value] of Object.entries(holder)) {
      places.push({ holder, key })
      if (typeof value === 'string') names.push(value)
      else if (value instanceof Object && !(value instanceof Uint8Array)) {
        visit(value as Record<string, unknown>)
      }
    }
  }
  visit(model)
  const changed = (value: unknown): unknown => {
    if (typeof value === 'number') {
      return below(3) === 0 ? value + below(5) - 2 : NUMBERS[below(NUMBERS.length)]
    }
    if (typeof value === 'string') return below(4) === 0 ? '' : names[below(names.length)]
    if (value instanceof Uint8Array) return value.slice(0, below(value.length + 1))
    if (!Array.isArray(value)) return value
    const orders = [[], [...value, ...value], value.slice(1), value.toReversed()]
    return orders[below(orders.length)]
  }
  for (let count = 1 + below(3); count > 0; count -= 1) {
    const place = places[below(places.length)]
    if (place) place.holder[place.key] = changed(place.holder[place.key])
  }
  return encodeModel(model as unknown as Parameters<typeof encodeModel>[0])
}

describe.each([
  ['a dense network', dense],
  ['branches in branches', modelOf(branches(3))],
])('%s', (_, bytes) => {
  test('is built', () => expect(refusal(bytes)).toBe('was built'))

  test.each([
    ['damaged at random', damage],
    ['distorted at random', distort],
  ])(
    'is built or refused, and never anything else, when it is %s',
    { timeout: FUZZ_MS },
    (_, change) => {
      const random = seededRandom(SEED)
      for (let round = 0; round < ROUNDS; round += 1) {
        const changed = change(bytes, random)
        try {
          refusal(changed)
        } catch (error) {
          throw new Error(`seed ${SEED}, round ${round}: ${error}`, { cause: error })
        }
      }
    },
  )

  test('is refused with the place where it was cut off', () => {
    for (let end = 1; end < bytes.length; end += 7) {
      try {
        decodeModel(bytes.subarray(0, end))
      } catch (error) {
        expect(hasCode(error, 'MODEL_INVALID') && error.message).toMatch(/\(at byte \d+\)$/)
      }
    }
  })
})

describe('a model is refused', () => {
  const one = relu('product', 'y')

  test.each([
    ['values made in a circle', [relu('b', 'a'), relu('a', 'b'), one], 'uses b before it is made'],
    ['a value made twice', [one, relu('x', 'y')], 'the value y is made twice'],
    ['a value made in a branch only', [...branches(1), relu('d1.inner', 'z')], 'uses d1.inner'],
    [
      'a branch that uses what nobody makes',
      branches(1, 'nobody'),
      'uses nobody before it is made',
    ],
    [
      'an If that lacks a branch',
      branches(1).map(node => (node.opType === 'If' ? { ...node, attribute: [] } : node)),
      'has no then_branch',
    ],
    [
      'shapes that do not meet',
      [buildNode({ opType: 'MatMul', inputs: ['product', 'w'], outputs: ['y'] })],
      'do not fit',
    ],
    [
      'an operator nobody knows',
      [buildNode({ opType: 'constructor', inputs: ['product'], outputs: ['y'] })],
      'no type rule',
    ],
  ])('with %s', (_, node, words) => {
    expect(refusal(modelOf(node))).toContain(words)
  })

  test.each([
    ['a tensor of 2^40 elements', { ...weight, dims: [2 ** 20, 2 ** 20] }, 'which is too large'],
    [
      'sizes whose product no number holds',
      { ...weight, dims: Array(40).fill(2 ** 40) },
      'too large',
    ],
    ['a negative size', { ...weight, dims: [-3, -2] }, 'has the shape [-3,-2]'],
    ['a tensor of too few bytes', { ...weight, rawData: new Uint8Array(23) }, 'holds 23 bytes'],
    [
      'a tensor of too many numbers',
      { ...weight, rawData: undefined, floatData: Array(7).fill(1) },
      'holds 7 elements',
    ],
    ['an element type that is not', { ...weight, dataType: 99 }, 'element type 99'],
    ['a tensor without a type', { ...weight, dataType: undefined }, 'element type undefined'],
  ])('with %s', (_, tensor, words) => {
    const { rawData, dataType, ...rest } = tensor
    const given = {
      ...rest,
      ...(rawData ? { rawData } : {}),
      ...(dataType === undefined ? {} : { dataType }),
    }
    expect(refusal(modelOf([one], { initializer: [given] }))).toContain(words)
  })

  test('with an initializer twice', () => {
    expect(refusal(modelOf([one], { initializer: [weight, weight] }))).toContain('w is made twice')
  })

  test('with branches nested beyond all reason', () => {
    expect(refusal(modelOf(branches(40)))).toContain('nested deeper')
  })

  test('but not for a name that JavaScript knows', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'y']
    const node = names.map((name, index) => relu(names[index - 1] ?? 'product', name))
    expect(refusal(modelOf(node))).toBe('was built')
  })
})
