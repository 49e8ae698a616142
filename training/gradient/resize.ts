import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { intAttribute, stringAttribute } from '../onnx/attribute.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import type { NodeProto } from '../onnx/onnx-proto.ts'
import { type ResizedAxis, resizedAxes } from '../types/resize.ts'
import type { GradientRule } from './gradient-rule.ts'

export const resizeGradients = {
  // y = W x along each axis by itself        dx = Wᵀ dy
  // where W[o] holds the weights of the elements that output o is made of: 1 for the nearest, or two
  // that sum to 1.
  Resize: ({ node, inputs, outputGradients: [dy], opType }, graph) => {
    const [x, , scales, sizes] = inputs
    if (!x || !dy) throw new RangeError(`${opType} takes at least one input`)
    if (intAttribute(node, 'antialias', 0) !== 0) throw new RangeError('resizes with antialias')
    const axes = resizedAxes({
      node,
      x: graph.type(x),
      scales: scales ? graph.constantReals(scales) : undefined,
      sizes: sizes ? graph.constantInts(sizes) : undefined,
    })
    const dx = axes
      .filter(({ from, to }) => from !== to)
      .reduce((gradient, axis) => alongAxis(graph, gradient, axis, node), dy)
    return [dx, ...inputs.slice(1).map(() => null)]
  },
} satisfies Record<string, GradientRule>

function alongAxis(
  graph: GraphEmitter,
  dy: ValueName,
  axis: ResizedAxis,
  node: NodeProto,
): ValueName {
  const weights = isKnownNearest(axis, node) ? weightsOf(axis, node) : undefined
  const shape = graph.shape(dy)
  if (weights && repeatsEach(weights, axis)) {
    const apart = shape.toSpliced(axis.axis, 1, axis.from, axis.to / axis.from)
    const sums = graph.sum(graph.reshape(dy, apart), [axis.axis + 1])
    return graph.reshape(sums, shape.with(axis.axis, axis.from))
  }
  // All axes behind this one are the columns of a matrix.
  const before = shape.slice(0, axis.axis)
  const columns = shape.slice(axis.axis + 1)
  const columnCount = columns.reduce((product, size) => product * size, 1)
  const { elementType } = graph.type(dy)
  const matrix = weights
    ? graph.constant(
        elementType,
        [axis.from, axis.to],
        Array.from({ length: axis.from }, (_, row) =>
          weights.map(made => made.get(row) ?? 0),
        ).flat(),
      )
    : graph.cast(observedNearest(graph, { axis, node, rank: shape.length }), elementType)
  const product = graph.matMul(matrix, graph.reshape(dy, [...before, axis.to, columnCount]))
  return graph.reshape(product, [...before, axis.from, ...columns])
}

/** Which element is nearest hangs on how ONNX Runtime rounds, but where a factor is a whole one. */
function isKnownNearest(axis: ResizedAxis, node: NodeProto): boolean {
  if (stringAttribute(node, 'mode', 'nearest') !== 'nearest') return true
  const isWhole = [axis.to / axis.from, axis.from / axis.to].some(Number.isInteger)
  return isWhole && axis.scale === axis.to / axis.from
}

/** 1 where an output is a copy of the element, [from, to]: the same Resize tells it of their numbers. */
function observedNearest(
  graph: GraphEmitter,
  given: { readonly axis: ResizedAxis; readonly node: NodeProto; readonly rank: number },
): ValueName {
  const { axis, node, rank } = given
  const place = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel')
  coordinateOf(place, 0, axis)
  const alone = (size: number) =>
    Array.from({ length: rank }, (_, at) => (at === axis.axis ? size : 1))
  const numbers = (shape: readonly number[]) =>
    graph.constant(ELEMENT.float, shape, [...new Array(axis.from).keys()])
  const factors = node.input[2]
    ? ['', graph.constant(ELEMENT.float, [rank], alone(axis.scale))]
    : ['', '', graph.ints(alone(axis.to))]
  const attributes = node.attribute.filter(({ name }) => name !== 'axes')
  const taken = graph.emit('Resize', [numbers(alone(axis.from)), ...factors], attributes)
  const row = graph.reshape(taken, [1, axis.to])
  return graph.mask('Equal', numbers([axis.from, 1]), row)
}

/** Every element stands the same number of times one after the other: a sum is all it takes. */
function repeatsEach(weights: readonly ReadonlyMap<number, number>[], axis: ResizedAxis): boolean {
  const times = axis.to / axis.from
  return (
    Number.isInteger(times) &&
    weights.every((made, index) => made.get(Math.floor(index / times)) === 1)
  )
}

/** For each output of an axis the inputs that it is made of, with their weights. */
function weightsOf(axis: ResizedAxis, node: NodeProto): readonly ReadonlyMap<number, number>[] {
  const mode = stringAttribute(node, 'mode', 'nearest')
  const last = axis.from - 1
  if (mode !== 'nearest' && mode !== 'linear') throw new RangeError(`resizes by ${mode}`)
  const place = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel')
  const rounding = stringAttribute(node, 'nearest_mode', 'round_prefer_floor')
  return Array.from({ length: axis.to }, (_, output) => {
    const coordinate = coordinateOf(place, output, axis)
    const inside = (index: number) => Math.min(last, Math.max(0, index))
    if (mode === 'nearest') return new Map([[inside(rounded(rounding, coordinate)), 1]])
    const clamped = inside(coordinate)
    const low = Math.floor(clamped)
    const share = clamped - low
    return new Map(
      share === 0
        ? [[low, 1]]
        : [
            [low, 1 - share],
            [low + 1, share],
          ],
    )
  })
}

/** Where an output lies among the inputs (Operators.md, Resize-19). */
function coordinateOf(mode: string, output: number, { from, to, scale }: ResizedAxis): number {
  const halfPixel = (output + 0.5) / scale - 0.5
  switch (mode) {
    case 'half_pixel':
      return halfPixel
    case 'half_pixel_symmetric':
      return (from / 2) * (1 - to / (scale * from)) + halfPixel
    case 'pytorch_half_pixel':
      return to > 1 ? halfPixel : 0
    case 'align_corners':
      return to > 1 ? (output * (from - 1)) / (to - 1) : 0
    case 'asymmetric':
      return output / scale
    default:
      throw new RangeError(`resizes with coordinates of the kind ${mode}`)
  }
}

function rounded(mode: string, coordinate: number): number {
  switch (mode) {
    case 'round_prefer_floor':
      return Math.ceil(coordinate - 0.5)
    case 'round_prefer_ceil':
      return Math.floor(coordinate + 0.5)
    case 'floor':
      return Math.floor(coordinate)
    case 'ceil':
      return Math.ceil(coordinate)
    default:
      throw new RangeError(`resizes to the nearest by ${mode}`)
  }
}
