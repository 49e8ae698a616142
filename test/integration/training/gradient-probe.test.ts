import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { probeGradients } from '../../../training/gradient-probe/gradient-probe.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { AttributeProto } from '../../../training/onnx/onnx-proto.ts'
import { buildTensor, elementCount } from '../../../training/onnx/tensor.ts'

const SEED = 11

/** x · scale → the operator, with further float32 parameters → y. */
function modelOf(given: {
  readonly opType: string
  readonly shape: readonly (number | string)[]
  readonly parameters?: readonly (readonly number[])[]
  readonly attributes?: readonly AttributeProto[]
  readonly domain?: string
}): Uint8Array {
  const { opType, shape, parameters = [], attributes = [], domain = '' } = given
  const random = seededRandom(SEED)
  const initializer = [[1], ...parameters].map((sizes, index) => {
    const values = Array.from({ length: elementCount(sizes) }, () => random() - 0.4)
    return buildTensor({ name: `p${index}`, type: ELEMENT.float, shape: sizes, values })
  })
  const names = parameters.map((_, index) => `p${index + 1}`)
  const graph = {
    node: [
      buildNode({ opType: 'Mul', inputs: ['x', 'p0'], outputs: ['scaled'] }),
      {
        ...buildNode({ opType, inputs: ['scaled', ...names], outputs: ['y'], attributes }),
        domain,
      },
    ],
    name: 'probed',
    initializer,
    input: [buildValueInfo('x', ELEMENT.float, shape)],
    output: [{ name: 'y' }],
    valueInfo: [],
  }
  return encodeModel(buildModel({ graph, opset: 20 }))
}

describe('gradients of a model with an operator without float64 kernel', () => {
  const image = ['batch', 4, 9, 8]
  test.each([
    { opType: 'Erf', shape: ['batch', 6] },
    { opType: 'Gelu', shape: ['batch', 6] },
    { opType: 'Gelu', shape: ['batch', 6], attributes: [attr.string('approximate', 'tanh')] },
    { opType: 'LeakyRelu', shape: ['batch', 6] },
    { opType: 'Elu', shape: ['batch', 6] },
    { opType: 'Selu', shape: ['batch', 6] },
    { opType: 'Celu', shape: ['batch', 6], attributes: [attr.float('alpha', 0.7)] },
    { opType: 'HardSigmoid', shape: ['batch', 6] },
    { opType: 'HardSwish', shape: ['batch', 6] },
    { opType: 'Softplus', shape: ['batch', 6] },
    { opType: 'Softsign', shape: ['batch', 6] },
    { opType: 'PRelu', shape: ['batch', 6], parameters: [[6]] },
    { opType: 'GlobalAveragePool', shape: image },
    { opType: 'GlobalMaxPool', shape: image },
    { opType: 'InstanceNormalization', shape: image, parameters: [[4], [4]] },
    {
      opType: 'Conv',
      shape: image,
      parameters: [[6, 2, 3, 3], [6]],
      attributes: [
        attr.int('group', 2),
        attr.ints('strides', [2, 1]),
        attr.ints('dilations', [1, 2]),
        attr.ints('pads', [1, 0, 2, 1]),
      ],
    },
    { opType: 'Conv', shape: ['batch', 3, 11], parameters: [[5, 3, 4]] },
    {
      opType: 'ConvTranspose',
      shape: image,
      parameters: [[4, 3, 3, 2], [6]],
      attributes: [
        attr.int('group', 2),
        attr.ints('strides', [2, 3]),
        attr.ints('pads', [1, 0, 1, 1]),
        attr.ints('output_padding', [1, 2]),
      ],
    },
    {
      opType: 'AveragePool',
      shape: image,
      attributes: [
        attr.ints('kernel_shape', [3, 2]),
        attr.ints('strides', [2, 2]),
        attr.ints('pads', [1, 1, 1, 0]),
      ],
    },
    {
      opType: 'AveragePool',
      shape: image,
      attributes: [
        attr.ints('kernel_shape', [3, 3]),
        attr.ints('pads', [1, 1, 1, 1]),
        attr.int('count_include_pad', 1),
      ],
    },
  ])('$opType are compared in float64 all the same (%#)', async given => {
    const report = await probeGradients(modelOf(given), { seed: SEED })
    expect(report.precision).toBe('float64')
    expect(report.tensorCount).toBe(1 + (given.parameters?.length ?? 0))
    expect(report.forwardError, `seed ${SEED}`).toBeLessThan(1e-5)
    // A scale in front of a normalization has hardly a gradient: rounding is all that is seen of it.
    expect(report.relativeErrorMax, `seed ${SEED}`).toBeLessThan(3e-5)
  })

  test('that is not composed either are compared through float32, which is said', async () => {
    const attributes = [attr.float('alpha', 0.3)]
    const given = { opType: 'ThresholdedRelu', shape: ['batch', 6], attributes }
    const report = await probeGradients(modelOf(given), { seed: SEED })
    expect(report).toMatchObject({ precision: 'mixed', float32Ops: ['ThresholdedRelu'] })
    expect(report.relativeErrorMax, `seed ${SEED}`).toBeLessThan(1e-3)
  })
})

test('bytes of an image are drawn where the model takes them', async () => {
  const graph = {
    node: [
      buildNode({
        opType: 'Cast',
        inputs: ['image'],
        outputs: ['x'],
        attributes: [attr.int('to', ELEMENT.float)],
      }),
      buildNode({ opType: 'Mul', inputs: ['x', 'w'], outputs: ['y'] }),
    ],
    name: 'bytes',
    initializer: [buildTensor({ name: 'w', type: ELEMENT.float, shape: [3], values: [1, 2, 3] })],
    input: [buildValueInfo('image', ELEMENT.uint8, ['batch', 3])],
    output: [{ name: 'y' }],
    valueInfo: [],
  }
  const report = await probeGradients(encodeModel(buildModel({ graph, opset: 20 })), { seed: SEED })
  expect(report.inputs).toEqual([{ name: 'image', shape: [2, 3] }])
  expect(report.relativeErrorMax, `seed ${SEED}`).toBeLessThan(1e-6)
})

describe('a model that cannot be probed', () => {
  test.each([
    [modelOf({ opType: 'Reshape', shape: [2, 3], parameters: [[3]] }), 'does not run the model'],
    [modelOf({ opType: 'Log', shape: ['batch', 6] }), 'infinite or undefined numbers'],
    [modelOf({ opType: 'RandomNormalLike', shape: ['batch', 6] }), 'other outputs each time'],
  ])('is refused by the reason (%#)', async (model, message) => {
    await expect(probeGradients(model, { seed: SEED })).rejects.toThrow(message)
  })

  test('is refused for an output that it does not have', async () => {
    const model = modelOf({ opType: 'Relu', shape: ['batch', 6] })
    const asked = probeGradients(model, { seed: SEED, outputs: ['z'] })
    await expect(asked).rejects.toThrow('no float32 output z, but y')
  })
})
