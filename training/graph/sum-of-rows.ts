import { ELEMENT } from '../onnx/element-type.ts'
import { elementCount } from '../onnx/tensor.ts'
import type { GraphEmitter, ValueName } from './graph-emitter.ts'

/** ORT's own sum is slow for fewer rows than these, and fast for more. */
const ROWS_MAX = 256

/**
 * The sum over the axes where they stand in front and make few rows: a product with ones, which takes a
 * third to a seventh of the time of ReduceSum. Undefined for any other sum.
 */
export function sumOfRows(
  graph: GraphEmitter,
  x: ValueName,
  axes: readonly number[],
): ValueName | undefined {
  const { elementType, shape } = graph.type(x)
  const rest = shape.slice(axes.length)
  const rows = elementCount(shape.slice(0, axes.length))
  const isInFront = axes.every(axis => axis < axes.length) && rest.length > 0
  if (!isInFront || elementType !== ELEMENT.float || rows > ROWS_MAX) return undefined
  const ones = graph.constant(elementType, [rows], new Array<number>(rows).fill(1))
  return graph.reshape(graph.matMul(ones, graph.reshape(x, [rows, elementCount(rest)])), rest)
}
