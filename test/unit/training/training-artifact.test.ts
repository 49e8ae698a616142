import { describe, expect, test } from 'vitest'
import { GainnetError } from '../../../runtime/errors.ts'
import { readTrainingArtifact } from '../../../training/forms/artifact-metadata.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildByteLanguageModel } from '../../../training/models/byte-language-model.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { decodeModel, encodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { NodeProto, TensorProto } from '../../../training/onnx/onnx-proto.ts'
import { buildTensor } from '../../../training/onnx/tensor.ts'

const options = { loss: 'softmax-cross-entropy', optimizer: { kind: 'adam' }, batch: 8 } as const

const model = buildByteLanguageModel({
  contextBytes: 4,
  embeddingSize: 3,
  hiddenSizes: [5, 6],
  seed: 7,
})

function floats(name: string, shape: readonly number[]): TensorProto {
  const count = shape.reduce((product, size) => product * size, 1)
  const values = new Float32Array(count).fill(0.5)
  return buildTensor({ name, type: ELEMENT.float, shape, values })
}

/** x float32 [batch, 3] through the nodes to y. */
function modelOf(
  node: readonly NodeProto[],
  initializer: readonly TensorProto[],
  { opset = 21 }: { readonly opset?: number } = {},
): Uint8Array {
  return encodeModel(
    buildModel({
      opset,
      graph: {
        node,
        name: 'small',
        initializer,
        input: [buildValueInfo('x', ELEMENT.float, ['batch', 3])],
        output: [buildValueInfo('y', ELEMENT.float, ['batch', 3])],
        valueInfo: [buildValueInfo('shrunk', ELEMENT.float, ['batch', 3])],
      },
    }),
  )
}

const scale = buildNode({ opType: 'Mul', inputs: ['x', 'w'], outputs: ['scaled'] })
const shrink = buildNode({
  opType: 'Shrink',
  inputs: ['scaled'],
  outputs: ['shrunk'],
  name: 'bend',
})
const shift = buildNode({ opType: 'Add', inputs: ['shrunk', 'b'], outputs: ['y'] })

function failure(build: () => unknown): GainnetError {
  try {
    build()
  } catch (error) {
    if (error instanceof GainnetError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('an artifact', () => {
  const built = buildTrainingArtifact(model, options)

  test('describes itself: parameters, batch, optimizer and roles', () => {
    const metadata = readTrainingArtifact(built.bytes)
    expect(metadata).toMatchObject({
      batch: 8,
      loss: { kind: 'softmax-cross-entropy', labelSmoothing: 0 },
      optimizer: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
      flopsPerSample: built.flopsPerSample,
    })
    expect(metadata.parameters).toMatchObject(built.parameters)
    const inputs = new Set(decodeModel(built.bytes).graph?.input.map(({ name }) => name))
    for (const { input, slots } of metadata.parameters) {
      for (const name of [input, ...slots.map(slot => slot.input)]) {
        expect(inputs).toContain(name)
      }
    }
  })

  test('lists parameters in the order of the file, one after the other in the flat vector', () => {
    expect(built.parameters).toEqual([
      { name: 'embedding', shape: [256, 3], offset: 0, count: 768 },
      { name: 'hidden.0.weight', shape: [12, 5], offset: 768, count: 60 },
      { name: 'hidden.0.bias', shape: [5], offset: 828, count: 5 },
      { name: 'hidden.1.weight', shape: [5, 6], offset: 833, count: 30 },
      { name: 'hidden.1.bias', shape: [6], offset: 863, count: 6 },
      { name: 'output.weight', shape: [6, 256], offset: 869, count: 1536 },
      { name: 'output.bias', shape: [256], offset: 2405, count: 256 },
    ])
    expect(built.initialParameters).toHaveLength(2661)
  })

  test('counts three times the matrix products of the forward pass', () => {
    expect(built.flopsPerSample).toBe(3 * 2 * (12 * 5 + 5 * 6 + 6 * 256))
  })

  test('is the same, byte for byte, when built again', () => {
    expect(buildTrainingArtifact(model, options).bytes).toEqual(built.bytes)
  })

  test('says of itself what else it was built with, in the same bytes each time', () => {
    const whole = {
      ...options,
      loss: { kind: 'softmax-cross-entropy', ignoreIndex: -1 },
      accumulation: 3,
      gradientNormMax: 2,
      proximal: true,
      control: true,
      average: { kind: 'exponential' },
    } as const
    const { bytes } = buildTrainingArtifact(model, whole)
    expect(readTrainingArtifact(bytes)).toMatchObject({
      accumulation: 3,
      gradientNormMax: 2,
      average: { kind: 'exponential', decay: 0.999 },
      inputs: {
        labels: { elementType: 'int32', sampleShape: [], classes: { count: 256, ignored: -1 } },
        proximal: 'term.proximal',
        averageRate: 'schedule.averageRate',
      },
    })
    expect(buildTrainingArtifact(model, whole).bytes).toEqual(bytes)
  })

  test('holds no weights but frozen ones', () => {
    const head = ['output.weight', 'output.bias']
    const partly = buildTrainingArtifact(model, { ...options, trainable: head })
    expect(built.bytes.length).toBeLessThan(30_000)
    expect(partly.parameters.map(({ name }) => name)).toEqual(head)
    // Nothing before the head has to be differentiated.
    const opsOf = (bytes: Uint8Array) =>
      (decodeModel(bytes).graph?.node ?? [])
        .flatMap(({ attribute }) => attribute[0]?.g?.node ?? [])
        .map(({ opType }) => opType)
    expect(opsOf(built.bytes)).toContain('ScatterND')
    expect(opsOf(partly.bytes)).not.toContain('ScatterND')
  })
})

describe('a model that cannot be trained is refused before anything starts', () => {
  test('for an operator without a rule, by node, operator and the page that helps', () => {
    const bytes = modelOf([scale, shrink, shift], [floats('w', [3]), floats('b', [3])])
    const { code, message } = failure(() => buildTrainingArtifact(bytes, options))
    expect(code).toBe('GRADIENT_UNSUPPORTED_OP')
    expect(message).toBe(
      'node bend (Shrink) has no gradient rule: see docs/how-to/add-a-gradient-rule.md',
    )
  })

  test('but not where that operator lies before all that is trained', () => {
    const bytes = modelOf([scale, shrink, shift], [floats('w', [3]), floats('b', [3])])
    expect(buildTrainingArtifact(bytes, { ...options, trainable: ['b'] }).parameters).toHaveLength(
      1,
    )
  })

  test.each(['If', 'Loop', 'Scan'])('for %s, by name, wherever it stands', opType => {
    const body = { node: [], name: '', initializer: [], input: [], output: [], valueInfo: [] }
    const branch = buildNode({
      opType,
      inputs: ['x'],
      outputs: ['shrunk'],
      name: 'fork',
      attributes: [attr.graph('body', body)],
    })
    const bytes = modelOf([scale, branch, shift], [floats('w', [3]), floats('b', [3])])
    const { code, message } = failure(() => buildTrainingArtifact(bytes, options))
    expect(code).toBe('GRADIENT_UNSUPPORTED_OP')
    expect(message).toContain(`node fork (${opType}) holds a graph of its own`)
  })

  test('for an operator in a form without a rule, by node and form', () => {
    const reduction = [attr.string('reduction', 'mul')]
    const indices = buildTensor({ name: 'i', type: ELEMENT.int64, shape: [1, 1], values: [0] })
    const scatter = buildNode({
      opType: 'ScatterElements',
      inputs: ['scaled', 'i', 'u'],
      outputs: ['y'],
      name: 'mix',
      attributes: reduction,
    })
    const bytes = modelOf([scale, scatter], [floats('w', [3]), floats('u', [1, 1]), indices])
    const { code, message } = failure(() => buildTrainingArtifact(bytes, options))
    expect(code).toBe('GRADIENT_UNSUPPORTED_OP')
    expect(message).toBe('node mix (ScatterElements): has no gradient rule for the reduction mul')
  })

  test('for a parameter on which the loss does not depend', () => {
    const sign = buildNode({ opType: 'Sign', inputs: ['scaled'], outputs: ['shrunk'] })
    const bytes = modelOf([scale, sign, shift], [floats('w', [3]), floats('b', [3])])
    const { code, message } = failure(() => buildTrainingArtifact(bytes, options))
    expect(code).toBe('MODEL_INVALID')
    expect(message).toContain('does not depend on the parameter w')
  })

  test('for weights in another file', () => {
    const outside = { ...floats('w', [3]), dataLocation: 1 }
    const bytes = modelOf([scale, shrink, shift], [outside, floats('b', [3])])
    const { code, message } = failure(() => buildTrainingArtifact(bytes, options))
    expect(code).toBe('MODEL_INVALID')
    expect(message).toContain('tensor w keeps its values in another file (external_data)')
  })

  test.each([
    ['a tensor with too few bytes', { dims: [4] }, 'holds 12 bytes where its shape needs 16'],
    ['a giant shape', { dims: [2 ** 40, 2 ** 40] }, 'which is too large'],
    ['a negative size', { dims: [-3] }, 'has the shape [-3]'],
    ['an element type that does not exist', { dataType: 99 }, 'has element type 99'],
  ])('for %s', (_, change, words) => {
    const tensor = { ...floats('w', [3]), ...change }
    const bytes = modelOf([scale, shrink, shift], [tensor, floats('b', [3])])
    const { code, message } = failure(() => buildTrainingArtifact(bytes, options))
    expect(code).toBe('MODEL_INVALID')
    expect(message).toContain(words)
  })

  test.each([
    ['an old operator set', [scale], { opset: 6 }, 'operator set 6, training knows 7 to 21'],
    ['one that is not out yet', [scale], { opset: 99 }, 'operator set 99'],
    ['a value that nothing makes', [shift], {}, 'uses shrunk before it is made'],
    ['a value made twice', [scale, scale], {}, 'scaled is made twice'],
    ['an output that nothing makes', [scale], {}, 'nothing makes the output y'],
  ])('for %s', (_, nodes, more, words) => {
    const bytes = modelOf(nodes, [floats('w', [3]), floats('b', [3])], more)
    expect(failure(() => buildTrainingArtifact(bytes, options)).message).toContain(words)
  })

  test('for shapes that do not fit, by node', () => {
    const product = buildNode({ opType: 'MatMul', inputs: ['x', 'w'], outputs: ['y'], name: 'mix' })
    const bytes = modelOf([product], [floats('w', [4, 3])])
    const { message } = failure(() => buildTrainingArtifact(bytes, options))
    expect(message).toBe('node mix (MatMul): matrices [8,3] and [4,3] do not fit')
  })

  test('for a frozen name that the model does not have', () => {
    const build = () => buildTrainingArtifact(model, { ...options, trainable: ['nothing'] })
    expect(failure(build).message).toContain('no float32 initializer nothing')
  })
})

test('a model that is no training artifact is not read as one', () => {
  expect(failure(() => readTrainingArtifact(model)).message).toContain('not a training artifact')
})

test('constants that a model writes as nodes are used like initializers', () => {
  const shape = buildTensor({ name: '', type: ELEMENT.int64, shape: [2], values: [-1, 3] })
  const bytes = modelOf(
    [
      scale,
      buildNode({
        opType: 'Constant',
        inputs: [],
        outputs: ['shape'],
        attributes: [attr.tensor('value', shape)],
      }),
      buildNode({ opType: 'Reshape', inputs: ['scaled', 'shape'], outputs: ['y'] }),
    ],
    [floats('w', [3])],
  )
  expect(buildTrainingArtifact(bytes, options).parameters).toHaveLength(1)
})

test('a model of an older operator set is trained in the form of the newest', () => {
  const mean = buildNode({
    opType: 'ReduceMean',
    inputs: ['scaled'],
    outputs: ['mean'],
    attributes: [attr.ints('axes', [1])],
  })
  const centre = buildNode({ opType: 'Sub', inputs: ['scaled', 'mean'], outputs: ['y'] })
  const bytes = modelOf([scale, mean, centre], [floats('w', [3])], { opset: 13 })
  const built = buildTrainingArtifact(bytes, options)
  expect(built.parameters.map(({ name }) => name)).toEqual(['w'])
  expect(decodeModel(built.bytes).opsetImport[0]?.version).toBe(21)
})

test('the shape of a tensor is a constant, as the batch is', () => {
  const rows = buildTensor({ name: 'columns', type: ELEMENT.int64, shape: [1], values: [3] })
  const attributes = [attr.int('end', 1)]
  const bytes = modelOf(
    [
      scale,
      buildNode({ opType: 'Shape', inputs: ['x'], outputs: ['batch'], attributes }),
      buildNode({
        opType: 'Concat',
        inputs: ['batch', 'columns'],
        outputs: ['shape'],
        attributes: [attr.int('axis', 0)],
      }),
      buildNode({ opType: 'Reshape', inputs: ['scaled', 'shape'], outputs: ['y'] }),
    ],
    [floats('w', [3]), rows],
  )
  expect(buildTrainingArtifact(bytes, options).parameters).toHaveLength(1)
})

test('the scales of a Resize are no parameters, whatever their type', () => {
  const scales = buildTensor({ name: 'scales', type: ELEMENT.float, shape: [2], values: [1, 2] })
  const bounds = [1, 4].map(value =>
    buildTensor({ name: `i${value}`, type: ELEMENT.int64, shape: [1], values: [value] }),
  )
  const bytes = modelOf(
    [
      scale,
      buildNode({ opType: 'Resize', inputs: ['scaled', '', 'scales'], outputs: ['wide'] }),
      buildNode({ opType: 'Slice', inputs: ['wide', 'i1', 'i4', 'i1'], outputs: ['y'] }),
    ],
    [floats('w', [3]), scales, ...bounds],
  )
  expect(buildTrainingArtifact(bytes, options).parameters.map(({ name }) => name)).toEqual(['w'])
})
