import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr, intAttribute } from '../onnx/attribute.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { fromFront } from '../types/type-rule.ts'
import { binary, type GradientRule, unary } from './gradient-rule.ts'

export const indexingGradients = {
  // yᵢ = Σ xⱼ over j ≤ i               dxⱼ = Σ dyᵢ over i ≥ j
  CumSum: unary(({ node, dy, graph }) => {
    const isReverse = intAttribute(node, 'reverse', 0) !== 0
    const attributes = [
      attr.int('exclusive', intAttribute(node, 'exclusive', 0)),
      attr.int('reverse', isReverse ? 0 : 1),
    ]
    return graph.emit('CumSum', [dy, node.input[1] ?? ''], attributes)
  }),

  // y = x[indices]   dx = 0, then dx[indices] += dy
  Gather: binary(({ node, a: x, b: indices, dy, graph }) => {
    const shape = graph.shape(x)
    const axis = fromFront(intAttribute(node, 'axis', 0), shape.length)
    return [addRows(graph, { dy, indices, axis, shape }), null]
  }),

  // y[i] = x[indices[i]] along one axis      dx = 0, then dx[indices[i]] += dy[i]
  GatherElements: binary(({ node, a: x, b: indices, dy, graph }) => {
    const attributes = [
      attr.int('axis', intAttribute(node, 'axis', 0)),
      attr.string('reduction', 'add'),
    ]
    return [
      graph.emit('ScatterElements', [graph.zeros(graph.shape(x), dy), indices, dy], attributes),
      null,
    ]
  }),

  // y[i] = x[indices[i]], an index of several axes      dx = 0, then dx[indices[i]] += dy[i]
  GatherND: binary(({ node, a: x, b: indices, dy, graph }) => {
    const places = withBatch(graph, indices, intAttribute(node, 'batch_dims', 0))
    const zeros = graph.zeros(graph.shape(x), dy)
    return [graph.emit('ScatterND', [zeros, places, dy], [attr.string('reduction', 'add')]), null]
  }),

  // y, i = the k largest or smallest of x, and where they stood     dx = 0, then dx[i] = dy
  TopK: ({ node, inputs: [x], outputs: [, indices], outputGradients: [dy], opType }, graph) => {
    if (!x || !dy || !indices) throw new RangeError(`${opType} leaves the output Indices out`)
    const axis = attr.int('axis', intAttribute(node, 'axis', -1))
    const zeros = graph.zeros(graph.shape(x), dy)
    return [graph.emit('ScatterElements', [zeros, indices, dy], [axis]), null]
  },

  // y = x in a triangle, 0 outside     dx = dy in the triangle, 0 outside
  Trilu: unary(({ node, dy, graph }) =>
    graph.emit('Trilu', [dy, ...node.input.slice(1)], node.attribute),
  ),
} satisfies Record<string, GradientRule>

/**
 * Adds what was gathered along an axis back to where it came from, in a tensor of zeros. ScatterND is
 * by far the fastest way on ORT's CPU kernels, but knows only the first axes: another axis is moved
 * to the front and back.
 */
export function addRows(
  graph: GraphEmitter,
  given: {
    readonly dy: ValueName
    readonly indices: ValueName
    readonly axis: number
    /** Of the sums. */
    readonly shape: readonly number[]
  },
): ValueName {
  const { dy, indices, axis, shape } = given
  const indexShape = graph.shape(indices)
  const order = shape.map((_, position) => position)
  const frontOrder = [axis, ...order.toSpliced(axis, 1)]
  const dyOrder = graph.shape(dy).map((_, position) => position)
  const rowsEnd = axis + indexShape.length
  const rowsOfDy = graph.transpose(dy, [
    ...dyOrder.slice(axis, rowsEnd),
    ...dyOrder.slice(0, axis),
    ...dyOrder.slice(rowsEnd),
  ])
  const zeros = graph.zeros(
    frontOrder.map(position => shape[position] ?? 0),
    dy,
  )
  const positions = graph.reshape(graph.cast(indices, ELEMENT.int64), [...indexShape, 1])
  const add = attr.string('reduction', 'add')
  const sums = graph.emit('ScatterND', [zeros, positions, rowsOfDy], [add])
  return graph.transpose(
    sums,
    order.map(position => frontOrder.indexOf(position)),
  )
}

/** Indices that count the batch axes, too, which GatherND leaves out and ScatterND does not know. */
function withBatch(graph: GraphEmitter, indices: ValueName, batchRank: number): ValueName {
  if (batchRank === 0) return indices
  const shape = graph.shape(indices)
  const columns = Array.from({ length: batchRank }, (_, axis) => {
    const size = shape[axis] ?? 0
    const counts = graph.ints(Array.from({ length: size }, (_, index) => index))
    const alone = graph.reshape(
      counts,
      shape.map((_, place) => (place === axis ? size : 1)),
    )
    return graph.emit('Expand', [alone, graph.ints(shape.with(-1, 1))])
  })
  return graph.emit('Concat', [...columns, indices], [attr.int('axis', -1)])
}
