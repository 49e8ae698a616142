import { expect, test } from 'vitest'
import { GainnetError } from '../../../runtime/errors.ts'
import { buildBackwardGraph } from '../../../training/graph/backward-graph.ts'
import { GraphEmitter } from '../../../training/graph/graph-emitter.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildNode } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import type { AttributeProto } from '../../../training/onnx/onnx-proto.ts'

const { int, string } = attr
const image = [1, 2, 4, 4]

/** What stands behind x, by how the graph makes it. */
type More = (graph: GraphEmitter) => readonly string[]

const scales =
  (...values: readonly number[]): More =>
  graph => ['', graph.constant(ELEMENT.float, [values.length], values)]
const computed =
  (elementType: typeof ELEMENT.float | typeof ELEMENT.bool): More =>
  graph => [graph.declare('computed', { elementType, shape: [] })]

type Refusal = readonly [
  opType: string,
  words: string,
  shape: readonly number[],
  attributes: readonly AttributeProto[],
  more: More,
]

const alone: More = () => []

const refusals: readonly Refusal[] = [
  ['Einsum', 'a repeated index', [3, 3], [string('equation', 'ii->i')], alone],
  ['Einsum', 'gives "..." different', [2], [string('equation', '...ijk->...')], alone],
  ['Resize', 'resizes by cubic', image, [string('mode', 'cubic')], scales(1, 1, 2, 2)],
  ['Resize', 'with antialias', image, [int('antialias', 1)], scales(1, 1, 0.5, 0.5)],
  [
    'Resize',
    'coordinates of the kind tf_crop_and_resize',
    image,
    [string('coordinate_transformation_mode', 'tf_crop_and_resize')],
    scales(1, 1, 2, 2),
  ],
  [
    'Resize',
    'keeps the aspect ratio',
    image,
    [string('keep_aspect_ratio_policy', 'not_larger')],
    scales(1, 1, 2, 2),
  ],
  [
    'Dropout',
    'training_mode is not a constant',
    [4],
    [],
    graph => [graph.scalar(0.5, 'x'), ...computed(ELEMENT.bool)(graph)],
  ],
  [
    'Dropout',
    'the ratio is not a constant',
    [4],
    [],
    graph => [...computed(ELEMENT.float)(graph), graph.constant(ELEMENT.bool, [], [1])],
  ],
  [
    'ScatterND',
    'for the reduction mul',
    [4],
    [string('reduction', 'mul')],
    graph => [graph.constant(ELEMENT.int64, [1, 1], [0]), graph.constant(ELEMENT.float, [1], [2])],
  ],
  [
    'Reshape',
    'the target shape is not a constant',
    [4],
    [],
    graph => [graph.declare('shape', { elementType: ELEMENT.int64, shape: [1] })],
  ],
]

function failureOf(build: () => void): GainnetError | undefined {
  try {
    build()
  } catch (error) {
    if (error instanceof GainnetError) return error
    throw error
  }
  return undefined
}

test.each(refusals)('%s is refused by name: %s', (opType, words, shape, attributes, more) => {
  const graph = new GraphEmitter()
  graph.declare('x', { elementType: ELEMENT.float, shape })
  const inputs = ['x', ...more(graph)]
  const node = buildNode({ opType, inputs, outputs: ['y'], attributes, name: 'here' })
  const build = () => {
    graph.addNode(node)
    const seeds = new Map([['y', graph.declare('dy', graph.type('y'))]])
    buildBackwardGraph({ graph, nodes: [node], seeds, wanted: ['x'] })
  }
  const error = failureOf(build)
  expect(error?.message).toContain(`node here (${opType}): `)
  expect(error?.message).toContain(words)
})
