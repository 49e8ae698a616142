import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { elementCount } from '../onnx/tensor.ts'
import type { Window } from '../types/window.ts'

/** Of a window. The nodes grow with it, and beyond this the indices of MaxPool are the shorter way. */
const PLACES_MAX = 16

interface Pooled {
  /** [N, C, …sizes] */
  readonly x: ValueName
  /** [N, C, …outputSizes] */
  readonly y: ValueName
  readonly dy: ValueName
  readonly window: Window
}

/**
 * dx of a MaxPool whose windows lie side by side, one or two axes of them, without its indices: on ORT's
 * CPU kernels MaxPool with indices takes 20 times as long as without, as it branches on every element.
 *
 * With x₁ x₂ … the places of each window in row-major order, each of them a tensor in the shape of y,
 *
 *   dxₖ = restₖ · [xₖ = y]      rest₁ = dy,  restₖ₊₁ = restₖ − dxₖ
 *
 * gives dy to the first maximum, as PyTorch does, and to it alone. Undefined where windows overlap, are
 * padded or leave something over.
 */
export function maxPoolGradientByPhase(
  graph: GraphEmitter,
  { x, y, dy, window }: Pooled,
): ValueName | undefined {
  const { kernel } = window
  const [height = 1, width = 1] = kernel.length === 1 ? [1, ...kernel] : kernel
  const isKnown = kernel.length <= 2 && height * width <= PLACES_MAX
  if (!isKnown || !isTiled(window)) return undefined
  const count = elementCount(graph.shape(y))
  const rows = elementCount(graph.shape(y).slice(0, -1))
  const columns = count / rows
  const flat = graph.reshape(y, [1, count])
  const byRow = graph.reshape(x, [rows, height, columns * width])
  const isMaximum = slices(graph, byRow, 1).flatMap(row => {
    // A transposed matrix of two columns is the cheap way to tell odd places from even ones.
    const byColumn = graph.transpose(graph.reshape(row, [count, width]), [1, 0])
    return slices(graph, graph.mask('Equal', byColumn, flat), 0)
  })
  const shares = cascade(graph, isMaximum, graph.reshape(dy, [1, count]))
  const lines = Array.from({ length: height }, (_, row) => {
    const line = shares.slice(row * width, (row + 1) * width)
    const single = line.map(share => graph.reshape(share, [count, 1]))
    return graph.reshape(joined(graph, single), [rows, columns * width])
  })
  return graph.reshape(joined(graph, lines), graph.shape(x))
}

/** Whether every element lies in just one window. */
export function isTiled({
  kernel,
  strides,
  dilations,
  padsBegin,
  padsEnd,
  sizes,
  outputSizes,
}: Window): boolean {
  return kernel.every(
    (size, axis) =>
      size === strides[axis] &&
      (dilations[axis] === 1 || size === 1) &&
      padsBegin[axis] === 0 &&
      padsEnd[axis] === 0 &&
      (outputSizes[axis] ?? 0) * size === sizes[axis],
  )
}

function cascade(graph: GraphEmitter, masks: readonly ValueName[], dy: ValueName): ValueName[] {
  let rest = dy
  return masks.map((mask, index) => {
    if (index === masks.length - 1) return rest
    const share = graph.mul(rest, mask)
    rest = graph.sub(rest, share)
    return share
  })
}

function slices(graph: GraphEmitter, x: ValueName, axis: number): ValueName[] {
  const count = graph.shape(x)[axis] ?? 1
  if (count === 1) return [x]
  return Array.from({ length: count }, (_, index) =>
    graph.emit('Slice', [x, ...[index, index + 1, axis].map(value => graph.ints([value]))]),
  )
}

/** Side by side along the second axis. */
function joined(graph: GraphEmitter, parts: readonly ValueName[]): ValueName {
  const [only] = parts
  return parts.length === 1 && only ? only : graph.emit('Concat', parts, [attr.int('axis', 1)])
}
