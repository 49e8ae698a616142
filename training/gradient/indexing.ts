import { attr, intAttribute } from '../onnx/attribute.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { fromFront } from '../types/type-rule.ts'
import { binary, type GradientRule } from './gradient-rule.ts'

export const indexingGradients = {
  // y = x[indices]   dx = 0, then dx[indices] += dy
  // ScatterND is by far the fastest way to add rows on ORT's CPU kernels, but knows only the first
  // axes: another axis is moved to the front and back.
  Gather: binary(({ node, a: x, b: indices, dy, graph }) => {
    const shape = graph.shape(x)
    const axis = fromFront(intAttribute(node, 'axis', 0), shape.length)
    const indexShape = graph.shape(indices)
    const indexRank = indexShape.length
    const order = shape.map((_, position) => position)
    const frontOrder = [axis, ...order.toSpliced(axis, 1)]
    const dyRank = graph.shape(dy).length
    const dyOrder = Array.from({ length: dyRank }, (_, position) => position)
    const rowsOfDy = graph.transpose(dy, [
      ...dyOrder.slice(axis, axis + indexRank),
      ...dyOrder.slice(0, axis),
      ...dyOrder.slice(axis + indexRank),
    ])
    const zeros = graph.zeros(
      frontOrder.map(position => shape[position] ?? 0),
      dy,
    )
    const positions = graph.reshape(graph.cast(indices, ELEMENT.int64), [...indexShape, 1])
    const sums = graph.emit(
      'ScatterND',
      [zeros, positions, rowsOfDy],
      [attr.string('reduction', 'add')],
    )
    const backOrder = order.map(position => frontOrder.indexOf(position))
    return [graph.transpose(sums, backOrder), null]
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
} satisfies Record<string, GradientRule>
