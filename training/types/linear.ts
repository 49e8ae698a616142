import { intAttribute } from '../onnx/attribute.ts'
import { broadcastShapes, type TypeRule } from './type-rule.ts'

// [..., m, k] · [..., k, n] = [..., m, n]; a vector is a row on the left and a column on the right.
const matMul: TypeRule = ({ input }) => {
  const [a, b] = [input(0).shape, input(1).shape]
  const [m, k] = a.length === 1 ? [1, a[0]] : a.slice(-2)
  const [inner, n] = b.length === 1 ? [b[0], 1] : b.slice(-2)
  if (m === undefined || n === undefined || k === undefined || k !== inner) {
    throw new RangeError(`matrices [${a}] and [${b}] do not fit`)
  }
  const batch = broadcastShapes(a.slice(0, -2), b.slice(0, -2))
  const rows = a.length === 1 ? [] : [m]
  const columns = b.length === 1 ? [] : [n]
  return [{ elementType: input(0).elementType, shape: [...batch, ...rows, ...columns] }]
}

const gemm: TypeRule = ({ node, input }) => {
  const [a, b] = [input(0).shape, input(1).shape]
  const [m, k] = intAttribute(node, 'transA', 0) ? [a[1], a[0]] : [a[0], a[1]]
  const [inner, n] = intAttribute(node, 'transB', 0) ? [b[1], b[0]] : [b[0], b[1]]
  if (m === undefined || n === undefined || k !== inner || a.length !== 2 || b.length !== 2) {
    throw new RangeError(`matrices [${a}] and [${b}] do not fit`)
  }
  return [{ elementType: input(0).elementType, shape: [m, n] }]
}

export const linearTypes = { Gemm: gemm, MatMul: matMul } satisfies Record<string, TypeRule>
