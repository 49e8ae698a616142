import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr, floatAttribute, intAttribute } from '../onnx/attribute.ts'
import { elementCount } from '../onnx/tensor.ts'
import { binary, type GradientRule } from './gradient-rule.ts'

export const linearGradients = {
  // y = α·A'·B' + β·C    (X' is X or Xᵀ as transX says)
  // dA' = α · dy · B'ᵀ   dB' = α · A'ᵀ · dy   dC = β · dy
  // and dX = (dX')ᵀ where X is transposed, which is the product of the factors in reverse.
  Gemm: ({ node, opType, inputs: [a, b, c], outputGradients: [dy] }, graph) => {
    if (!a || !b || !dy) throw new RangeError(`${opType} takes at least two inputs`)
    const alpha = floatAttribute(node, 'alpha', 1)
    const beta = floatAttribute(node, 'beta', 1)
    const transA = intAttribute(node, 'transA', 0) !== 0
    const transB = intAttribute(node, 'transB', 0) !== 0
    const product = gemm(graph, alpha)
    const da = transA
      ? product(b, dy, { transA: transB, transB: true })
      : product(dy, b, { transA: false, transB: !transB })
    const db = transB
      ? product(dy, a, { transA: true, transB: transA })
      : product(a, dy, { transA: !transA, transB: false })
    if (!c) return [da, db]
    return [da, db, beta === 1 ? dy : graph.mul(dy, graph.scalar(beta, dy))]
  },

  // y = A · B        dA = dy · Bᵀ         dB = Aᵀ · dy
  MatMul: binary(({ a, b, dy, graph }) => {
    const [shapeA, shapeB] = [graph.shape(a), graph.shape(b)]
    if (shapeB.length === 2 && shapeA.length >= 2) return matrixGradients({ a, b, dy, graph })
    // A vector on the left is a row, one on the right a column.
    const rows = shapeA.length === 1 ? graph.reshape(a, [1, ...shapeA]) : a
    const columns = shapeB.length === 1 ? graph.reshape(b, [...shapeB, 1]) : b
    const dyShape = [...graph.shape(dy)]
    if (shapeB.length === 1) dyShape.push(1)
    if (shapeA.length === 1) dyShape.splice(-1, 0, 1)
    const dyMatrix = graph.reshape(dy, dyShape)
    const da = productGradient(graph, rows, dyMatrix, graph.transposeMatrices(columns))
    const db = productGradient(graph, columns, graph.transposeMatrices(rows), dyMatrix)
    return [da, shapeB.length === 1 ? graph.reshape(db, graph.shape(db).slice(0, -1)) : db]
  }),
} satisfies Record<string, GradientRule>

/** One matrix on the right: all rows on the left are one tall matrix, and each gradient one Gemm. */
function matrixGradients(given: {
  readonly a: ValueName
  readonly b: ValueName
  readonly dy: ValueName
  readonly graph: GraphEmitter
}): [ValueName, ValueName] {
  const { a, b, dy, graph } = given
  const [k = 0, n = 0] = graph.shape(b)
  const m = elementCount(graph.shape(a).slice(0, -1))
  const tallA = graph.reshape(a, [m, k])
  const tallDy = graph.reshape(dy, [m, n])
  const product = gemm(graph, 1)
  const da = product(tallDy, b, { transA: false, transB: true })
  const db = product(tallA, tallDy, { transA: true, transB: false })
  return [graph.reshape(da, graph.shape(a)), db]
}

function gemm(graph: GraphEmitter, alpha: number) {
  return (
    a: ValueName,
    b: ValueName,
    { transA, transB }: { readonly transA: boolean; readonly transB: boolean },
  ): ValueName =>
    graph.emit(
      'Gemm',
      [a, b],
      [
        ...(alpha === 1 ? [] : [attr.float('alpha', alpha)]),
        ...(transA ? [attr.int('transA', 1)] : []),
        ...(transB ? [attr.int('transB', 1)] : []),
      ],
    )
}

/**
 * a · b, the gradient of `of`. Where that is a transposed matrix, as (bᵀ · aᵀ)ᵀ: the outer transpose and
 * that of the forward pass undo each other.
 */
function productGradient(
  graph: GraphEmitter,
  of: ValueName,
  a: ValueName,
  b: ValueName,
): ValueName {
  if (!graph.isOfTransposedMatrices(of)) return graph.matMul(a, b)
  const turned = graph.matMul(graph.transposeMatrices(b), graph.transposeMatrices(a))
  return graph.transposeMatrices(turned)
}
