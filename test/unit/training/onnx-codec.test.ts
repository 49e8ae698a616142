import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProtoSchema,
} from 'onnx-buf'
import { describe, expect, test } from 'vitest'
import { hasCode } from '../../../runtime/errors.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildByteLanguageModel } from '../../../training/models/byte-language-model.ts'
import { decodeModel, encodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { ModelProto } from '../../../training/onnx/onnx-proto.ts'
import { integerValues } from '../../../training/onnx/tensor.ts'

function refusal(bytes: Uint8Array): string {
  try {
    decodeModel(bytes)
  } catch (error) {
    if (hasCode(error, 'MODEL_INVALID')) return error.message
    throw error
  }
  return 'was read'
}

const model = buildByteLanguageModel({
  contextBytes: 4,
  embeddingSize: 3,
  hiddenSizes: [5],
  seed: 7,
})
const artifact = buildTrainingArtifact(model, {
  loss: 'softmax-cross-entropy',
  optimizer: { kind: 'adam' },
  batch: 2,
}).bytes

/** ModelProto { graph (7) { node (1) { attribute (5) { <content> } } } } */
function withAttribute(content: readonly number[]): Uint8Array {
  const attribute = [0x2a, content.length, ...content]
  const node = [0x0a, attribute.length, ...attribute]
  return Uint8Array.from([0x3a, node.length, ...node])
}

function firstAttribute(bytes: Uint8Array) {
  return decodeModel(bytes).graph?.node[0]?.attribute[0]
}

describe('against onnx-buf', () => {
  test.each([
    ['a forward model', model],
    ['a training artifact with a subgraph', artifact],
  ])('%s written here is read there and gives the same model back here', (_, bytes) => {
    const theirs = fromBinary(ModelProtoSchema, bytes)
    expect(decodeModel(toBinary(ModelProtoSchema, theirs))).toEqual(decodeModel(bytes))
    expect(theirs.graph?.node.map(({ opType }) => opType)).toEqual(
      decodeModel(bytes).graph?.node.map(({ opType }) => opType),
    )
  })

  test('a model with every kind of field written there is read here', () => {
    const bytes = toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, {
        irVersion: 10n,
        modelVersion: -3n,
        opsetImport: [create(OperatorSetIdProtoSchema, { version: 21n })],
        graph: create(GraphProtoSchema, {
          name: 'größer',
          node: [
            create(NodeProtoSchema, {
              opType: 'Slice',
              attribute: [
                create(AttributeProtoSchema, {
                  name: 'ends',
                  type: AttributeProto_AttributeType.INTS,
                  ints: [-1n, 9223372036854775807n, 5n],
                  floats: [0.5, -2],
                }),
              ],
            }),
          ],
          initializer: [
            create(TensorProtoSchema, {
              name: 'all',
              dims: [2n],
              dataType: 7,
              floatData: [1.5, -0.25],
              int32Data: [-1, 2 ** 31 - 1],
              int64Data: [-(2n ** 63n), 3n],
              doubleData: [Math.PI, -1e300],
              uint64Data: [2n ** 64n - 1n],
            }),
          ],
        }),
      }),
    )
    const { graph, modelVersion, opsetImport } = decodeModel(bytes)
    expect(modelVersion).toBe(-3)
    expect(opsetImport[0]?.version).toBe(21)
    expect(graph?.name).toBe('größer')
    expect(graph?.node[0]?.attribute[0]).toMatchObject({
      name: 'ends',
      ints: [-1, 9223372036854775807n, 5],
      floats: [0.5, -2],
    })
    expect(graph?.initializer[0]).toMatchObject({
      floatData: [1.5, -0.25],
      int32Data: [-1, 2 ** 31 - 1],
      int64Data: [-(2n ** 63n), 3],
      doubleData: [Math.PI, -1e300],
      uint64Data: [2n ** 64n - 1n],
    })
    const again = fromBinary(ModelProtoSchema, encodeModel(decodeModel(bytes)))
    expect(again).toEqual(fromBinary(ModelProtoSchema, bytes))
  })
})

describe('bytes', () => {
  test('are the same for the same model, before and after reading', () => {
    expect(encodeModel(decodeModel(artifact))).toEqual(artifact)
  })

  test('of weights are views of the file, not copies', () => {
    const tensor = decodeModel(model).graph?.initializer[0]
    expect(tensor?.rawData?.buffer).toBe(model.buffer)
  })

  test('of repeated numbers are read packed and unpacked', () => {
    const packed = withAttribute([0x42, 2, 3, 4])
    const unpacked = withAttribute([0x40, 3, 0x40, 4])
    expect(firstAttribute(packed)?.ints).toEqual([3, 4])
    expect(firstAttribute(unpacked)?.ints).toEqual([3, 4])
  })

  test('of a negative number are ten, as onnx.proto has it', () => {
    const bytes = withAttribute([0x18, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])
    expect(firstAttribute(bytes)?.i).toBe(-2)
    expect(encodeModel(decodeModel(bytes))).toEqual(bytes)
  })

  test('of fields that nobody knows are kept', () => {
    const functions = [0xca, 0x01, 2, 0x0a, 0x00]
    const fixed = [0xfd, 0x3f, 1, 2, 3, 4]
    const bytes = Uint8Array.from([0x08, 10, ...functions, ...fixed])
    const decoded = decodeModel(bytes)
    expect(decoded.unknownFields).toEqual([Uint8Array.from(functions), Uint8Array.from(fixed)])
    expect(encodeModel(decoded)).toEqual(bytes)
  })

  test('of 2^63 - 1 in a shape tensor are clamped to what a number holds', () => {
    const rawData = Uint8Array.from([255, 255, 255, 255, 255, 255, 255, 127])
    const tensor = decodeModel(model).graph?.initializer[0]
    if (!tensor) throw new Error('the model has no initializer')
    expect(integerValues({ ...tensor, dataType: 7, dims: [1], rawData })).toEqual([
      Number.MAX_SAFE_INTEGER,
    ])
  })
})

describe('a hostile file is refused', () => {
  test.each([
    ['a length beyond the file', [0x3a, 200, 1], 'a field of 200 bytes reaches beyond'],
    ['a length of 4 GiB', [0x3a, 255, 255, 255, 255, 15], 'reaches beyond its message'],
    ['a length beyond 32 bits', [0x3a, 255, 255, 255, 255, 127], 'larger than 32 bits'],
    ['a length beyond the message around it', [0x3a, 2, 0x0a, 9, 0, 0], 'reaches beyond'],
    ['an end within a varint', [0x08, 0x80], 'ends within a varint'],
    ['an endless varint', [0x08, ...new Array<number>(11).fill(0x80)], 'longer than ten bytes'],
    ['a string that is not UTF-8', [0x12, 1, 0xff], 'not UTF-8'],
    ['a group', [0x0b], 'wire type 3'],
    ['a wrong wire type', [0x3d, 0, 0, 0, 0], 'ModelProto.graph has wire type 5'],
    ['a field with number 0', [0x00, 0], 'field with number 0'],
    [
      'a version that no number holds',
      [0x08, ...new Array<number>(8).fill(0xff), 0x7f],
      'too large',
    ],
  ])('%s', (_, bytes, words) => {
    expect(refusal(Uint8Array.from(bytes))).toContain(words)
  })

  test('with subgraphs nested without end', () => {
    let graph: number[] = []
    for (let depth = 0; depth < 40; depth++) {
      for (const tag of [0x32, 0x2a, 0x0a]) graph = [tag, ...varint(graph.length), ...graph]
    }
    expect(refusal(Uint8Array.from([0x3a, ...varint(graph.length), ...graph]))).toContain('nested')
  })

  test('with a million bytes of empty messages', () => {
    const nodes = new Uint8Array(2 * 500_001)
    for (let at = 0; at < nodes.length; at += 2) nodes[at] = 0x0a
    const head = [0x3a, ...varint(nodes.length)]
    const bytes = new Uint8Array(head.length + nodes.length)
    bytes.set(head)
    bytes.set(nodes, head.length)
    expect(refusal(bytes)).toContain('more than 30 MiB')
  })

  test('or read, but never anything else, when bits of a good one flip', () => {
    const seed = 99
    const random = seededRandom(seed)
    for (let round = 0; round < 300; round++) {
      const bytes = artifact.slice()
      const at = Math.floor(random() * bytes.length)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8))
      let decoded: ModelProto | undefined
      try {
        decoded = decodeModel(bytes)
      } catch (error) {
        expect(hasCode(error, 'MODEL_INVALID'), `seed ${seed}, round ${round}: ${error}`).toBe(true)
      }
      if (decoded) encodeModel(decoded)
    }
  })
})

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return [...bytes, rest]
}
