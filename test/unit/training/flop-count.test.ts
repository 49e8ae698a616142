import { expect, test } from 'vitest'
import { countForwardFlops } from '../../../training/graph/flop-count.ts'
import { GraphEmitter } from '../../../training/graph/graph-emitter.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildNode } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import type { AttributeProto } from '../../../training/onnx/onnx-proto.ts'

function flopsOf(
  opType: string,
  shapes: readonly (readonly number[])[],
  attributes: readonly AttributeProto[] = [],
  outputs = ['y'],
): number {
  const graph = new GraphEmitter()
  const inputs = shapes.map((shape, index) =>
    graph.declare(`x${index}`, { elementType: ELEMENT.float, shape }),
  )
  const node = buildNode({ opType, inputs, outputs, attributes })
  graph.addNode(node)
  return countForwardFlops(graph, [node])
}

const strides2 = attr.ints('strides', [2, 2])

test.each([
  [
    'Einsum',
    [
      [2, 3, 5, 4],
      [2, 3, 6, 4],
    ],
    [attr.string('equation', 'bhqd,bhkd->bhqk')],
    2 * 2 * 3 * 5 * 6 * 4,
  ],
  ['Gemm', [[2, 3], [3, 4], [4]], [], 2 * 2 * 3 * 4],
  [
    'Gemm',
    [
      [3, 2],
      [3, 4],
    ],
    [attr.int('transA', 1)],
    2 * 2 * 3 * 4,
  ],
  [
    'MatMul',
    [
      [5, 2, 3],
      [3, 4],
    ],
    [],
    2 * 5 * 2 * 3 * 4,
  ],
  [
    'Conv',
    [
      [2, 3, 6, 6],
      [8, 3, 3, 3],
    ],
    [],
    2 * 2 * 8 * 4 * 4 * 3 * 9,
  ],
  ['Conv', [[2, 4, 6, 6], [4, 1, 3, 3], [4]], [attr.int('group', 4)], 2 * 2 * 4 * 4 * 4 * 9],
  [
    'Conv',
    [
      [1, 3, 7, 7],
      [8, 3, 3, 3],
    ],
    [strides2],
    2 * 8 * 3 * 3 * 3 * 9,
  ],
  [
    'ConvTranspose',
    [
      [2, 3, 4, 4],
      [3, 8, 2, 2],
    ],
    [strides2],
    2 * 2 * 3 * 4 * 4 * 8 * 4,
  ],
  [
    'LSTM',
    [
      [5, 2, 3],
      [1, 16, 3],
      [1, 16, 4],
    ],
    [],
    2 * 5 * 2 * 16 * (3 + 4),
  ],
  [
    'GRU',
    [
      [5, 2, 3],
      [2, 12, 3],
      [2, 12, 4],
    ],
    [],
    2 * 5 * 2 * 2 * 12 * (3 + 4),
  ],
  ['Relu', [[2, 3]], [], 0],
])(
  '%s of %j counts a multiplication and an addition a product',
  (opType, shapes, attributes, n) => {
    expect(flopsOf(opType, shapes, attributes)).toBe(n)
  },
)

test('a layer whose sequence nobody takes counts as much', () => {
  const shapes = [
    [5, 2, 3],
    [1, 16, 3],
    [1, 16, 4],
  ]
  expect(flopsOf('LSTM', shapes, [], ['', 'hidden'])).toBe(flopsOf('LSTM', shapes))
})
