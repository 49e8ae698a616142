import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { buildNode } from '../onnx/build.ts'
import { elementCount } from '../onnx/tensor.ts'
import type { Window } from '../types/window.ts'

/** Of a window. The nodes grow with it, and beyond this the indices of MaxPool are the shorter way. */
const PLACES_MAX = 16

interface Pooled {
  /** [N, C, …sizes] */
  readonly x: ValueName
  readonly window: Window
}

/** One tensor a place along an axis of the windows, and the largest of them. */
interface Phases {
  readonly places: readonly ValueName[]
  readonly maximum: ValueName
}

/**
 * MaxPool of windows that lie side by side, one or two axes of them, along one axis after the other:
 * first the columns of each window, then its rows. Undefined where windows overlap, are padded or leave
 * something over. The backward pass needs the parts, too, and ORT computes equal nodes once.
 */
export function maxPoolByPhase(graph: GraphEmitter, { x, window }: Pooled): ValueName | undefined {
  if (!isKnown(window)) return undefined
  const { rows } = phases(graph, { x, window })
  return graph.reshape(rows.maximum, [...graph.shape(x).slice(0, 2), ...window.outputSizes])
}

/**
 * dx of the same, without indices: on ORT's CPU kernels MaxPool with indices takes 20 times as long as
 * without, as it branches on every element. Along each axis, with x₁ x₂ … the places and m the maximum,
 *
 *   dxₖ = restₖ · [xₖ = m]      rest₁ = dm,  restₖ₊₁ = restₖ − dxₖ     (the last has what is left)
 *
 * gives dm to the first maximum and to it alone: of a window to its first row that holds the maximum, and
 * in that to the first column, which is the order of PyTorch.
 */
export function maxPoolGradientByPhase(
  graph: GraphEmitter,
  { x, dy, window }: Pooled & { readonly dy: ValueName },
): ValueName | undefined {
  if (!isKnown(window)) return undefined
  const { columns, rows } = phases(graph, { x, window })
  const rowShares = cascade(graph, rows, graph.reshape(dy, graph.shape(rows.maximum)))
  const ofRows = graph.reshape(joined(graph, rowShares), graph.shape(columns.maximum))
  const columnShares = cascade(graph, columns, ofRows)
  const single = columnShares.map(share => {
    return graph.reshape(share, [elementCount(graph.shape(share)), 1])
  })
  return graph.reshape(joined(graph, single), graph.shape(x))
}

/** Columns are in the shape [1, 1, windows by row], rows in [lines of windows, 1, windows]. */
function phases(
  graph: GraphEmitter,
  { x, window }: Pooled,
): { readonly columns: Phases; readonly rows: Phases } {
  const [height, width] = windowSizes(window)
  const count = elementCount(graph.shape(x)) / width
  // A transposed matrix of two columns is the cheap way to tell odd places from even ones. In another
  // shape, so that ORT does not move the Transpose behind the Split, which would take it by the element.
  const byColumn = graph.transpose(graph.reshape(x, [count, width]), [1, 0])
  const columns = largest(graph, split(graph, graph.reshape(byColumn, [width, 1, count]), 0))
  const across = window.outputSizes.at(-1) ?? 1
  const byRow = graph.reshape(columns.maximum, [count / (height * across), height, across])
  return { columns, rows: largest(graph, split(graph, byRow, 1)) }
}

function windowSizes({ kernel }: Window): readonly [number, number] {
  const [height = 1, width = 1] = kernel.length === 1 ? [1, ...kernel] : kernel
  return [height, width]
}

function isKnown(window: Window): boolean {
  return window.kernel.length <= 2 && elementCount(window.kernel) <= PLACES_MAX && isTiled(window)
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

function largest(graph: GraphEmitter, places: readonly ValueName[]): Phases {
  const [only] = places
  const maximum = places.length === 1 && only ? only : graph.emit('Max', places)
  return { places, maximum }
}

function cascade(graph: GraphEmitter, { places, maximum }: Phases, whole: ValueName): ValueName[] {
  let rest = whole
  return places.map((place, index) => {
    if (index === places.length - 1) return rest
    const share = graph.mul(rest, graph.mask('Equal', place, maximum))
    rest = graph.sub(rest, share)
    return share
  })
}

/** In parts of size one along the axis. */
function split(graph: GraphEmitter, x: ValueName, axis: number): readonly ValueName[] {
  const count = graph.shape(x)[axis] ?? 1
  if (count === 1) return [x]
  const outputs = Array.from({ length: count }, () => graph.unique('Split'))
  const attributes = [attr.int('axis', axis), attr.int('num_outputs', count)]
  graph.addNode(buildNode({ opType: 'Split', inputs: [x], outputs, attributes }))
  return outputs
}

/** Side by side along the second axis. */
function joined(graph: GraphEmitter, parts: readonly ValueName[]): ValueName {
  const [only] = parts
  return parts.length === 1 && only ? only : graph.emit('Concat', parts, [attr.int('axis', 1)])
}
