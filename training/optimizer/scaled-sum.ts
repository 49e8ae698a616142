import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { elementCount } from '../onnx/tensor.ts'

/** A tensor as one row of a matrix: what the kernels of products take. */
export function singleRow(shape: readonly number[]): readonly number[] {
  return [1, elementCount(shape)]
}

/**
 * factor · x + onto, with a factor without axes. Of rows it is one product, [1, 1] · [1, n], on top of
 * `onto`: ORT's kernel for it is faster than its Mul and Add, which also keep a tensor between them.
 */
export function emitScaledSum(
  graph: GraphEmitter,
  given: { readonly factor: ValueName; readonly x: ValueName; readonly onto: ValueName },
): ValueName {
  const { factor, x, onto } = given
  const [rows, ...columns] = graph.shape(x)
  if (rows !== 1 || columns.length !== 1) return graph.add(graph.mul(x, factor), onto)
  return graph.emit('Gemm', [graph.reshape(factor, [1, 1]), x, onto])
}
