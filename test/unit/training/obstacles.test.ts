import { describe, expect, test } from 'vitest'
import { findObstacles } from '../../../training/inspection/obstacles.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import type { NodeProto, TensorProto } from '../../../training/onnx/onnx-proto.ts'
import { buildTensor } from '../../../training/onnx/tensor.ts'

function kindsOf(given: {
  readonly nodes?: readonly NodeProto[]
  readonly initializers?: readonly TensorProto[]
  readonly opset?: number
  readonly inputs?: readonly (readonly (number | string)[])[]
}): string[] {
  const { nodes: node = [], initializers: initializer = [], opset = 17 } = given
  const shapes = given.inputs ?? [[1, 4]]
  const input = shapes.map((shape, index) => buildValueInfo(`x${index}`, ELEMENT.float, shape))
  const graph = { node, name: 'g', initializer, input, output: [], valueInfo: [] }
  const model = { ...buildModel({ graph, opset }), graph }
  const obstacles = findObstacles(model)
  for (const { what, advice } of obstacles) expect(`${what} ${advice}`).not.toContain('undefined')
  return obstacles.map(({ kind }) => kind)
}

const node = (opType: string, inputs = ['x']) => buildNode({ opType, inputs, outputs: ['y'] })
const floats = (name: string, count = 4) =>
  buildTensor({ name, type: ELEMENT.float, shape: [count], values: new Array(count).fill(0) })

describe('an export', () => {
  test('of plain float32 operators has nothing in the way', () => {
    expect(kindsOf({ nodes: [node('Relu')], initializers: [floats('w')] })).toEqual([])
  })

  test.each([
    ['operator-set', { opset: 24 }],
    ['open-sizes', { inputs: [['batch', 'length', 4]] }],
    [
      'several-inputs',
      {
        inputs: [
          ['batch', 4],
          ['batch', 4],
        ],
      },
    ],
    ['half-precision', { initializers: [{ ...floats('w'), dataType: ELEMENT.float16 }] }],
    ['quantized', { nodes: [node('DequantizeLinear')] }],
    ['quantized', { nodes: [node('MatMulInteger')] }],
    [
      'folded-normalization',
      {
        nodes: [node('Conv', ['x', 'onnx::Conv_41'])],
        initializers: [floats('onnx::Conv_41')],
      },
    ],
    ['folded-constants', { initializers: [floats('onnx::MatMul_7')] }],
    [
      'weights-as-constants',
      {
        nodes: [
          buildNode({
            opType: 'Constant',
            inputs: [],
            outputs: ['c'],
            attributes: [attr.tensor('value', floats('', 64))],
          }),
        ],
      },
    ],
    ['control-flow', { nodes: [node('Loop')] }],
    ['other-domain', { nodes: [{ ...node('FusedConv'), domain: 'com.microsoft' }] }],
  ])('with %s in the way is told apart', (kind, given) => {
    expect(kindsOf(given)).toEqual([kind])
  })
})
