import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { intAttribute } from '../onnx/attribute.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import type { NodeProto } from '../onnx/onnx-proto.ts'
import { elementCount } from '../onnx/tensor.ts'
import { convTransposeWindow, convWindow } from '../types/convolution.ts'
import { poolWindow } from '../types/pooling.ts'
import { reach } from '../types/window.ts'

/** y[m, o] = Σ w[m, c, k] · x[c, s·o + d·k − p] + b[m], a product of matrices for each k. */
export function convolve(graph: GraphEmitter, node: NodeProto): ValueName {
  const [x = '', w = '', b] = node.input
  const window = convWindow(node, graph.shape(x), graph.shape(w))
  const { kernel, strides, dilations, padsBegin, padsEnd, outputSizes } = window
  const padded = pad(graph, x, padsBegin, padsEnd)
  const group = intAttribute(node, 'group', 1)
  const [outputs = 0, inputs = 0] = graph.shape(w)
  const flat = graph.reshape(w, [group, outputs / group, inputs, elementCount(kernel)])
  const parts = offsetsOf(kernel).map((offset, index) => {
    const starts = offset.map((k, axis) => k * (dilations[axis] ?? 1))
    const seen = takeWindows(graph, padded, { starts, strides, counts: outputSizes })
    return multiplyGroups(graph, takeOffset(graph, flat, index), seen, group)
  })
  return withBias(graph, addAll(graph, parts), outputSizes, b)
}

/** y[m, i] = Σ w[c, m, k] · x[c, o] + b[m] over s·o + d·k − p = i, on x with zeros in between. */
export function convolveTransposed(graph: GraphEmitter, node: NodeProto): ValueName {
  const [x = '', w = '', b] = node.input
  const window = convTransposeWindow(node, graph.shape(x), graph.shape(w))
  const { kernel, strides, dilations, padsBegin, sizes } = window
  const spans = kernel.map((size, axis) => reach(size, dilations[axis] ?? 1) - 1)
  const spread = spreadOut(graph, x, strides)
  const lengths = graph.shape(spread).slice(2)
  // Behind the end as far as output_padding looks.
  const behind = sizes.map((size, axis) =>
    Math.max(0, size + (padsBegin[axis] ?? 0) - (lengths[axis] ?? 0)),
  )
  const padded = pad(graph, spread, spans, behind)
  const group = intAttribute(node, 'group', 1)
  const [inputs = 0, outputsOfGroup = 0] = graph.shape(w)
  const grouped = graph.reshape(w, [group, inputs / group, outputsOfGroup, elementCount(kernel)])
  const flat = graph.transpose(grouped, [0, 2, 1, 3])
  const parts = offsetsOf(kernel).map((offset, index) => {
    const starts = offset.map(
      (k, axis) => (spans[axis] ?? 0) + (padsBegin[axis] ?? 0) - k * (dilations[axis] ?? 1),
    )
    const seen = takeWindows(graph, padded, { starts, strides: kernel.map(() => 1), counts: sizes })
    return multiplyGroups(graph, takeOffset(graph, flat, index), seen, group)
  })
  return withBias(graph, addAll(graph, parts), sizes, b)
}

/** The mean of each window: over its places in x, or all of them with count_include_pad. */
export function poolMeans(graph: GraphEmitter, node: NodeProto): ValueName {
  const [x = ''] = node.input
  const window = poolWindow(node, graph.shape(x))
  const { kernel, strides, dilations, padsBegin, padsEnd, sizes, outputSizes } = window
  const countsPads = intAttribute(node, 'count_include_pad', 0) !== 0
  // A last window of ceil_mode hangs over the pads; what it has there is never counted.
  const reached = outputSizes.map(
    (count, axis) =>
      (count - 1) * (strides[axis] ?? 1) + reach(kernel[axis] ?? 1, dilations[axis] ?? 1),
  )
  const behind = reached.map((end, axis) =>
    Math.max(padsEnd[axis] ?? 0, end - (sizes[axis] ?? 0) - (padsBegin[axis] ?? 0)),
  )
  const padded = pad(graph, x, padsBegin, behind)
  const parts = offsetsOf(kernel).map(offset => {
    const starts = offset.map((k, axis) => k * (dilations[axis] ?? 1))
    return takeWindows(graph, padded, { starts, strides, counts: outputSizes })
  })
  const countsOf = outputSizes.map((count, axis) => {
    const begin = countsPads ? 0 : (padsBegin[axis] ?? 0)
    const end =
      (padsBegin[axis] ?? 0) + (sizes[axis] ?? 0) + (countsPads ? (padsEnd[axis] ?? 0) : 0)
    return Array.from({ length: count }, (_, o) =>
      Array.from({ length: kernel[axis] ?? 1 }, (_, k) => {
        const place = o * (strides[axis] ?? 1) + k * (dilations[axis] ?? 1)
        return place >= begin && place < end ? 1 : 0
      }).reduce<number>((sum, one) => sum + one, 0),
    )
  })
  const counts = countsOf.reduce<readonly number[]>(
    (products, along) => products.flatMap(a => along.map(b => a * b)),
    [1],
  )
  const divisor = graph.constant(ELEMENT.double, [1, 1, ...outputSizes], counts)
  return graph.div(addAll(graph, parts), divisor)
}

/** All places of a kernel, the last axis fastest. */
function offsetsOf(kernel: readonly number[]): readonly (readonly number[])[] {
  return kernel.reduce<readonly (readonly number[])[]>(
    (offsets, size) =>
      offsets.flatMap(offset => Array.from({ length: size }, (_, k) => [...offset, k])),
    [[]],
  )
}

function pad(
  graph: GraphEmitter,
  x: ValueName,
  begin: readonly number[],
  end: readonly number[],
): ValueName {
  if ([...begin, ...end].every(count => count === 0)) return x
  return graph.emit('Pad', [x, graph.ints([0, 0, ...begin, 0, 0, ...end]), graph.scalar(0, x)])
}

function takeWindows(
  graph: GraphEmitter,
  x: ValueName,
  {
    starts,
    strides,
    counts,
  }: {
    readonly starts: readonly number[]
    readonly strides: readonly number[]
    readonly counts: readonly number[]
  },
): ValueName {
  const ends = starts.map(
    (start, axis) => start + ((counts[axis] ?? 1) - 1) * (strides[axis] ?? 1) + 1,
  )
  const axes = starts.map((_, axis) => axis + 2)
  const lists = [starts, ends, axes, strides].map(values => graph.ints(values))
  return graph.emit('Slice', [x, ...lists])
}

/** The weights [groups, outputs, inputs] of one place of the kernel. */
function takeOffset(graph: GraphEmitter, flat: ValueName, index: number): ValueName {
  const [group = 0, outputs = 0, inputs = 0] = graph.shape(flat)
  const taken = graph.emit('Slice', [
    flat,
    ...[[index], [index + 1], [3]].map(values => graph.ints(values)),
  ])
  return graph.reshape(taken, [group, outputs, inputs])
}

/** [groups, outputs, inputs] · [N, groups · inputs, …] = [N, groups, outputs, places]. */
function multiplyGroups(
  graph: GraphEmitter,
  weights: ValueName,
  x: ValueName,
  group: number,
): ValueName {
  const [batch = 0, channels = 0, ...sizes] = graph.shape(x)
  const rows = graph.reshape(x, [batch, group, channels / group, elementCount(sizes)])
  return graph.matMul(weights, rows)
}

function withBias(
  graph: GraphEmitter,
  sum: ValueName,
  sizes: readonly number[],
  b: ValueName | undefined,
): ValueName {
  const [batch = 0, group = 0, outputs = 0] = graph.shape(sum)
  const y = graph.reshape(sum, [batch, group * outputs, ...sizes])
  if (!b) return y
  return graph.add(y, graph.reshape(b, [1, group * outputs, ...sizes.map(() => 1)]))
}

function addAll(graph: GraphEmitter, parts: readonly ValueName[]): ValueName {
  return parts.reduce((sum, part) => graph.add(sum, part))
}

/** Zeros between neighbours, so that these come to lie a stride apart. */
function spreadOut(graph: GraphEmitter, x: ValueName, strides: readonly number[]): ValueName {
  if (strides.every(stride => stride === 1)) return x
  const [batch = 0, channels = 0, ...sizes] = graph.shape(x)
  const cells = graph.reshape(x, [batch, channels, ...sizes.flatMap(size => [size, 1])])
  const none = [0, 0, ...sizes.flatMap(() => [0, 0])]
  const filled = [0, 0, ...strides.flatMap(stride => [0, stride - 1])]
  const wide = graph.emit('Pad', [cells, graph.ints([...none, ...filled]), graph.scalar(0, x)])
  const lengths = sizes.map((size, axis) => size * (strides[axis] ?? 1))
  const flat = graph.reshape(wide, [batch, channels, ...lengths])
  return takeWindows(graph, flat, {
    starts: sizes.map(() => 0),
    strides: sizes.map(() => 1),
    counts: sizes.map((size, axis) => (size - 1) * (strides[axis] ?? 1) + 1),
  })
}
