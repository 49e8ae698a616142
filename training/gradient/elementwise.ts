import { isDifferentiable } from '../onnx/element-type.ts'
import { binary, type GradientRule, unary } from './gradient-rule.ts'

export const elementwiseGradients = {
  // y = a + b        da = dy              db = dy
  Add: binary(({ dy }) => [dy, dy]),

  // y = cast x       dx = cast dy
  Cast: ({ inputs: [x], outputGradients: [dy], opType }, graph) => {
    if (!x || !dy) throw new RangeError(`${opType} takes one input`)
    const { elementType } = graph.type(x)
    return [isDifferentiable(elementType) ? graph.cast(dy, elementType) : null]
  },

  // y = a / b        da = dy / b          db = −dy · y / b
  Div: binary(({ b, y, dy, graph }) => {
    const da = graph.div(dy, b)
    return [da, graph.neg(graph.mul(da, y))]
  }),

  // y = exp x        dx = dy · y
  Exp: unary(({ y, dy, graph }) => graph.mul(dy, y)),

  // y = x            dx = dy
  Identity: unary(({ dy }) => dy),

  // y = ln x         dx = dy / x
  Log: unary(({ x, dy, graph }) => graph.div(dy, x)),

  // y = a · b        da = dy · b          db = dy · a
  Mul: binary(({ a, b, dy, graph }) => [graph.mul(dy, b), graph.mul(dy, a)]),

  // y = −x           dx = −dy
  Neg: unary(({ dy, graph }) => graph.neg(dy)),

  // y = 1 / x        dx = −dy · y²
  Reciprocal: unary(({ y, dy, graph }) => graph.neg(graph.mul(dy, graph.mul(y, y)))),

  // y = √x           dx = dy / 2y
  Sqrt: unary(({ y, dy, graph }) => graph.div(dy, graph.add(y, y))),

  // y = a − b        da = dy              db = −dy
  Sub: binary(({ dy, graph }) => [dy, graph.neg(dy)]),
} satisfies Record<string, GradientRule>
