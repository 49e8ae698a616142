import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { elementCount } from '../onnx/tensor.ts'
import type { Window } from '../types/window.ts'

interface WeightGradient {
  /** [N, C, …]: what the window slides over. */
  readonly image: ValueName
  /** [N, M, …]: one value a place of the window. */
  readonly signal: ValueName
  readonly window: Window
  readonly group: number
  /** Of the weights: [M, C / group, …kernel]. */
  readonly shape: readonly number[]
}

/** From so many channels on a product for each offset is faster than gathering all offsets first. */
const OFFSET_PRODUCTS_FROM = 8

/**
 * dw[m, c, k] = Σ signal[m, o] · image[c, s·o + d·k − p]   over samples and places of the window
 *
 * The image shifted by an offset k of the kernel is a slice of it, so that each offset is one matrix
 * product over all samples and places.
 */
export function convolutionWeightGradient(graph: GraphEmitter, given: WeightGradient): ValueName {
  const { window, group, shape } = given
  const [outputs = 0, groupChannels = 0, ...kernel] = shape
  const image = padded(graph, given.image, window)
  if (groupChannels === 1 && group > 1) return depthwise(graph, { ...given, image })
  const places = elementCount([graph.shape(image)[0] ?? 0, ...window.outputSizes])
  const shifted = shiftedImages(graph, swapFront(graph, image), window)
  const signal = graph.reshape(swapFront(graph, given.signal), [outputs, places])
  const offsetCount = elementCount(kernel)
  if (group === 1 && groupChannels >= OFFSET_PRODUCTS_FROM) {
    const products = shifted.map(slice => {
      const rows = graph.reshape(slice, [groupChannels, places])
      return graph.emit('Gemm', [signal, rows], [attr.int('transB', 1)])
    })
    const joined = graph.reshape(concat(graph, products, 1), [outputs, offsetCount, groupChannels])
    return graph.reshape(graph.transpose(joined, [0, 2, 1]), shape)
  }
  const rows = shifted.map(slice => graph.reshape(slice, [groupChannels * group, 1, places]))
  const columns = concat(graph, rows, 1)
  if (group === 1) {
    const flat = graph.reshape(columns, [groupChannels * offsetCount, places])
    return graph.reshape(graph.emit('Gemm', [signal, flat], [attr.int('transB', 1)]), shape)
  }
  const grouped = graph.reshape(columns, [group, groupChannels * offsetCount, places])
  const groupedSignal = graph.reshape(signal, [group, outputs / group, places])
  return graph.reshape(graph.matMul(groupedSignal, graph.transpose(grouped, [0, 2, 1])), shape)
}

/** One channel a group: sums of products by element, as matrices would have one row. */
function depthwise(
  graph: GraphEmitter,
  { image, signal, window, group, shape }: WeightGradient,
): ValueName {
  const [outputs = 0] = shape
  const batch = graph.shape(image)[0] ?? 0
  const places = elementCount(window.outputSizes)
  const signals = graph.reshape(signal, [batch, group, outputs / group, places])
  const sums = shiftedImages(graph, image, window).map(slice => {
    const products = graph.mul(signals, graph.reshape(slice, [batch, group, 1, places]))
    return graph.reshape(graph.sum(products, [0, 3]), [outputs, 1])
  })
  return graph.reshape(concat(graph, sums, 1), shape)
}

function padded(graph: GraphEmitter, image: ValueName, window: Window): ValueName {
  const { padsBegin, padsEnd } = window
  if ([...padsBegin, ...padsEnd].every(pad => pad === 0)) return image
  return graph.emit('Pad', [image, graph.ints([0, 0, ...padsBegin, 0, 0, ...padsEnd])])
}

/**
 * What each offset of the kernel meets, at every place of the window. Spatial axes are the last. Cut
 * along the last axis first: the cuts along the others then take whole rows.
 */
function shiftedImages(graph: GraphEmitter, image: ValueName, window: Window): ValueName[] {
  const { kernel, strides, dilations, outputSizes } = window
  const cut = (x: ValueName, axis: number, index: number): ValueName => {
    const [size = 1, stride = 1] = [outputSizes[axis], strides[axis]]
    if (graph.shape(x)[axis + 2] === size) return x
    const start = index * (dilations[axis] ?? 1)
    const bounds = [start, start + (size - 1) * stride + 1, axis + 2, stride]
    return graph.emit('Slice', [x, ...bounds.map(bound => graph.ints([bound]))])
  }
  const last = kernel.length - 1
  const columns = Array.from({ length: kernel[last] ?? 1 }, (_, index) => cut(image, last, index))
  return offsets(kernel).map(offset =>
    offset
      .slice(0, last)
      .reduce((x, index, axis) => cut(x, axis, index), columns[offset[last] ?? 0] ?? image),
  )
}

/** All positions in a kernel, the last axis fastest. */
function offsets(kernel: readonly number[]): readonly (readonly number[])[] {
  return kernel.reduce<readonly (readonly number[])[]>(
    (found, size) =>
      found.flatMap(offset => Array.from({ length: size }, (_, index) => [...offset, index])),
    [[]],
  )
}

/** [N, C, …] as [C, N, …]: the rows of a channel side by side. */
export function swapFront(graph: GraphEmitter, x: ValueName): ValueName {
  const shape = graph.shape(x)
  const [first = 0, second = 0, ...rest] = shape
  if (first === 1 || second === 1) return graph.reshape(x, [second, first, ...rest])
  return graph.transpose(
    x,
    shape.map((_, axis) => (axis < 2 ? 1 - axis : axis)),
  )
}

function concat(graph: GraphEmitter, parts: readonly ValueName[], axis: number): ValueName {
  return parts.length === 1 && parts[0]
    ? parts[0]
    : graph.emit('Concat', parts, [attr.int('axis', axis)])
}
