import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr, intAttribute } from '../onnx/attribute.ts'
import { paddedIndices, padSizes, type SliceRange, sliceRanges } from '../types/slicing.ts'
import { fromFront } from '../types/type-rule.ts'
import { type GradientRule, knownOf, unary } from './gradient-rule.ts'
import { addRows } from './indexing.ts'

export const slicingGradients = {
  // y = [x₁ x₂ …]    dxᵢ = the part of dy that came from xᵢ
  Concat: ({ node, inputs, opType, outputGradients: [dy] }, graph) => {
    if (!dy) throw new RangeError(`${opType} takes at least one input`)
    const axis = fromFront(intAttribute(node, 'axis', 0), graph.shape(dy).length)
    let start = 0
    return inputs.map(input => {
      const end = start + (graph.shape(input)[axis] ?? 0)
      const bounds = [graph.ints([start]), graph.ints([end]), graph.ints([axis])]
      start = end
      return graph.emit('Slice', [dy, ...bounds])
    })
  },

  // y = x between a constant c         dx = the part of dy that came from x, dc = what is left
  // y = x[i], where a border repeats elements, each axis by itself
  //                                    dx = 0, then dx[i] += dy
  Pad: (given, graph) => {
    const { inputs, outputGradients, opType } = given
    const [x, ...others] = inputs
    const [dy] = outputGradients
    if (!x || !dy) throw new RangeError(`${opType} takes at least one input`)
    const known = knownOf(given, graph)
    const indices = paddedIndices(known)
    if (indices) {
      const dx = indices.reduce<ValueName>((sums, places, axis) => {
        const size = graph.shape(x)[axis] ?? 0
        if (places.length === size && places.every((place, index) => place === index)) return sums
        const shape = graph.shape(sums).with(axis, size)
        return addRows(graph, { dy: sums, indices: graph.ints(places), axis, shape })
      }, dy)
      return [dx, ...others.map(() => null)]
    }
    const dx = padded(
      graph,
      dy,
      padSizes(known).map(([before, after]) => [0 - before, 0 - after]),
    )
    const axes = graph.shape(x).map((_, axis) => axis)
    const rest = graph.sub(graph.sum(dy, axes), graph.sum(dx, axes))
    return [dx, null, rest, null].slice(0, inputs.length)
  },

  // y = x[start, start + step, …]      dx = 0, then dx[start, start + step, …] = dy
  Slice: unary(({ node, x, dy, graph }) => {
    const shape = graph.shape(x)
    const pads = shape.map((): [number, number] => [0, 0])
    let dx = dy
    for (const range of sliceRanges(knownOf({ node, inputs: node.input }, graph))) {
      const { axis, start, step, count } = range
      if (count === 0) return graph.zeros(shape, dy)
      dx = spread(graph, dx, range)
      const first = step > 0 ? start : start + (count - 1) * step
      pads[axis] = [first, (shape[axis] ?? 0) - first - count * Math.abs(step)]
    }
    return padded(graph, dx, pads)
  }),

  // [y₁ y₂ …] = x    dx = [dy₁ dy₂ …]
  Split: ({ node, inputs, outputs, outputGradients }, graph) => {
    const known = outputGradients.find(gradient => gradient !== undefined)
    if (known === undefined) throw new RangeError('no output has a gradient')
    const parts = outputs.map(
      (output, index) => outputGradients[index] ?? graph.zeros(graph.shape(output), known),
    )
    const axis = attr.int('axis', intAttribute(node, 'axis', 0))
    return [graph.emit('Concat', parts, [axis]), ...inputs.slice(1).map(() => null)]
  },
} satisfies Record<string, GradientRule>

/** The elements in rising order, with |step| − 1 zeros behind each. */
function spread(graph: GraphEmitter, x: ValueName, { axis, step, count }: SliceRange): ValueName {
  const one = [graph.ints([-1]), graph.ints([-(2 ** 31)]), graph.ints([axis]), graph.ints([-1])]
  const rising = step > 0 ? x : graph.emit('Slice', [x, ...one])
  const stride = Math.abs(step)
  if (stride === 1) return rising
  const shape = graph.shape(rising)
  const column = graph.reshape(rising, shape.toSpliced(axis + 1, 0, 1))
  const pads = graph
    .shape(column)
    .map((_, place): [number, number] => [0, place === axis + 1 ? stride - 1 : 0])
  return graph.reshape(padded(graph, column, pads), shape.with(axis, count * stride))
}

/** With zeros before and after each axis, or without its ends where the number is negative. */
function padded(
  graph: GraphEmitter,
  x: ValueName,
  pads: readonly (readonly [number, number])[],
): ValueName {
  const sizes = [...pads.map(([before]) => before), ...pads.map(([, after]) => after)]
  return sizes.every(size => size === 0) ? x : graph.emit('Pad', [x, graph.ints(sizes)])
}
