import { readFileSync } from 'node:fs'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf'
import { describe, expect, test } from 'vitest'
import { hasCode } from '../../../runtime/errors.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { readForwardModel } from '../../../training/forward/forward-graph.ts'
import { OPSET_MAX, OPSET_MIN } from '../../../training/onnx/build.ts'
import { decodeModel, encodeModel } from '../../../training/onnx/onnx-codec.ts'
import { sharedFile } from '../../support/directories.ts'

const FLOAT = 1
const WEIGHTS = [0.5, -1, 2, 0.25, -0.5, 1]

function shaped(name: string, sizes: readonly (bigint | string)[]) {
  const dim = sizes.map(size => ({
    value:
      typeof size === 'string'
        ? ({ case: 'dimParam', value: size } as const)
        : ({ case: 'dimValue', value: size } as const),
  }))
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: FLOAT, shape: { dim } } } },
  })
}

/** y = softmax(relu(x·w) + b) as an exporter of the operator set would write it, by their codec. */
function theirModel(opset: number): Uint8Array {
  const integer = (name: string, i: number) =>
    create(AttributeProtoSchema, { name, i: BigInt(i), type: AttributeProto_AttributeType.INT })
  const axis = integer('axis', 1)
  // Values in raw_data and in float_data, both of which are about.
  const raw = new Uint8Array(Float32Array.from(WEIGHTS).buffer)
  const graph = create(GraphProtoSchema, {
    name: `operator set ${opset}`,
    node: [
      create(NodeProtoSchema, { opType: 'MatMul', name: 'm', input: ['x', 'w'], output: ['p'] }),
      create(NodeProtoSchema, { opType: 'Relu', name: 'r', input: ['p'], output: ['h'] }),
      create(NodeProtoSchema, { opType: 'Add', name: 'a', input: ['h', 'b'], output: ['s'] }),
      create(NodeProtoSchema, {
        opType: 'Softmax',
        name: 'y',
        input: ['s'],
        output: ['y'],
        attribute: [axis],
      }),
    ],
    initializer: [
      create(TensorProtoSchema, { name: 'w', dataType: FLOAT, dims: [3n, 2n], rawData: raw }),
      create(TensorProtoSchema, { name: 'b', dataType: FLOAT, dims: [2n], floatData: [1, -1] }),
    ],
    // Before IR version 4 weights were listed as inputs, too.
    input: [
      shaped('x', ['N', 3n]),
      ...(opset < 9 ? [shaped('w', [3n, 2n]), shaped('b', [2n])] : []),
    ],
    output: [shaped('y', ['N', 2n])],
  })
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: opset < 9 ? 3n : 8n,
      producerName: 'another',
      opsetImport: [create(OperatorSetIdProtoSchema, { version: BigInt(opset) })],
      graph,
    }),
  )
}

const opsets = Array.from({ length: OPSET_MAX - OPSET_MIN + 1 }, (_, index) => OPSET_MIN + index)

describe.each(opsets)('a model of operator set %i, written by an independent codec', opset => {
  const bytes = theirModel(opset)

  test('is read as it was meant', () => {
    const { parameters, initialParameters, inputs } = readForwardModel(bytes)
    expect(parameters.map(({ name, shape }) => [name, shape])).toEqual([
      ['w', [3, 2]],
      ['b', [2]],
    ])
    expect(Array.from(initialParameters)).toEqual([...WEIGHTS, 1, -1])
    expect(inputs).toEqual([{ name: 'x', elementType: FLOAT, sampleShape: [3] }])
  })

  test('is the same to that codec after ours wrote it', () => {
    const again = encodeModel(decodeModel(bytes))
    expect(fromBinary(ModelProtoSchema, again)).toEqual(fromBinary(ModelProtoSchema, bytes))
  })

  test('becomes a training artifact, which that codec reads as we do', () => {
    const { bytes: artifact } = buildTrainingArtifact(bytes, {
      loss: { kind: 'kullback-leibler', fromLogits: false },
      optimizer: { kind: 'sgd' },
      batch: 2,
    })
    const theirs = fromBinary(ModelProtoSchema, artifact)
    expect(theirs.opsetImport.map(({ version }) => version)).toEqual([BigInt(OPSET_MAX)])
    expect(decodeModel(toBinary(ModelProtoSchema, theirs))).toEqual(decodeModel(artifact))
  })
})

test.each([OPSET_MIN - 1, OPSET_MAX + 1])('operator set %i is refused by its number', opset => {
  const refused = () => readForwardModel(theirModel(opset))
  expect(refused).toThrow(`operator set ${opset}, training knows ${OPSET_MIN} to ${OPSET_MAX}`)
  expect(refused).toThrow(expect.toSatisfy((error: unknown) => hasCode(error, 'MODEL_INVALID')))
})

const real = [
  'mnist-onnx/mnist.onnx',
  'silero-vad/silero_vad_16k_op15.onnx',
  'ultraface/version-RFB-320.onnx',
].flatMap(path => {
  const file = sharedFile(`models/${path}`)
  return file ? [{ path, file }] : []
})

describe.skipIf(real.length === 0)('a file that others made', () => {
  test.each(real)('is the same to both codecs: $path', ({ file }) => {
    const bytes = new Uint8Array(readFileSync(file))
    // Each side's own bytes are compared: to compare a million weights as values takes half a minute.
    const theirs = toBinary(ModelProtoSchema, fromBinary(ModelProtoSchema, bytes))
    const ours = encodeModel(decodeModel(bytes))
    const theirsOfOurs = toBinary(ModelProtoSchema, fromBinary(ModelProtoSchema, ours))
    expect(Buffer.compare(encodeModel(decodeModel(theirs)), ours)).toBe(0)
    expect(Buffer.compare(theirsOfOurs, theirs)).toBe(0)
  })
})
