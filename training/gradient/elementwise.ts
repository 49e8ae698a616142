import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { isDifferentiable } from '../onnx/element-type.ts'
import { type Binary, binary, type ForwardNode, type GradientRule, unary } from './gradient-rule.ts'

export const elementwiseGradients = {
  // y = |x|          dx = dy · sign x     (0 at the kink, as PyTorch has it)
  Abs: unary(({ x, dy, graph }) => graph.mul(dy, graph.emit('Sign', [x]))),

  // y = a + b        da = dy              db = dy
  Add: binary(({ dy }) => [dy, dy]),

  // y = cast x       dx = cast dy
  Cast: castBack,

  // y = cast x to the type of another     dx = cast dy
  CastLike: castBack,

  // y = a / b        da = dy / b          db = −dy · y / b
  Div: binary(({ b, y, dy, graph }) => {
    const da = graph.div(dy, b)
    return [da, graph.neg(graph.mul(da, y))]
  }),

  // y = erf x        dx = dy · 2/√π · e^(−x²)
  Erf: unary(({ x, dy, graph }) => {
    const bell = graph.emit('Exp', [graph.neg(graph.mul(x, x))])
    return graph.mul(dy, graph.mul(bell, graph.scalar(2 / Math.sqrt(Math.PI), x)))
  }),

  // y = exp x        dx = dy · y
  Exp: unary(({ y, dy, graph }) => graph.mul(dy, y)),

  // y = x            dx = dy
  Identity: unary(({ dy }) => dy),

  // y = ln x         dx = dy / x
  Log: unary(({ x, dy, graph }) => graph.div(dy, x)),

  // y = Σ xᵢ / n     dxᵢ = dy / n
  Mean: ({ inputs, outputGradients: [dy] }, graph) => {
    const part = dy && graph.div(dy, graph.scalar(inputs.length, dy))
    return inputs.map(() => part ?? null)
  },

  // y = a − b · trunc(a / b)   da = dy    db = −dy · (a − y) / b
  // Floats have the remainder of C only (fmod = 1), as the operator demands.
  Mod: binary(({ a, b, y, dy, graph }) => {
    const quotient = graph.div(graph.sub(a, y), b)
    return [dy, graph.neg(graph.mul(dy, quotient))]
  }),

  // y = a · b        da = dy · b          db = dy · a
  Mul: binary(({ a, b, dy, graph }) => [graph.mul(dy, b), graph.mul(dy, a)]),

  // y = −x           dx = −dy
  Neg: unary(({ dy, graph }) => graph.neg(dy)),

  // y = aᵇ           da = dy · b · aᵇ⁻¹   db = dy · y · ln a
  // da is 0 where b = 0, and db where a = 0 ≤ b, as PyTorch has it: both would be 0 · ∞.
  Pow: binary(given => [powBase(given), powExponent(given)]),

  // y = 1 / x        dx = −dy · y²
  Reciprocal: unary(({ y, dy, graph }) => graph.neg(graph.mul(dy, graph.mul(y, y)))),

  // y = √x           dx = dy / 2y
  Sqrt: unary(({ y, dy, graph }) => graph.div(dy, graph.add(y, y))),

  // y = a − b        da = dy              db = −dy
  Sub: binary(({ dy, graph }) => [dy, graph.neg(dy)]),

  // y = Σ xᵢ         dxᵢ = dy
  Sum: ({ inputs, outputGradients: [dy] }) => inputs.map(() => dy ?? null),
} satisfies Record<string, GradientRule>

function castBack(
  { inputs, outputGradients: [dy], opType }: ForwardNode,
  graph: GraphEmitter,
): (ValueName | null)[] {
  const [x, ...others] = inputs
  if (!x || !dy) throw new RangeError(`${opType} takes at least one input`)
  const { elementType } = graph.type(x)
  const dx = isDifferentiable(elementType) ? graph.cast(dy, elementType) : null
  return [dx, ...others.map(() => null)]
}

function powBase({ a, b: exponent, dy, graph }: Binary): ValueName {
  const known = graph.constantReals(exponent)
  // A square is what most models use it for, and Pow is slow.
  if (known?.every(power => power === 2)) return graph.mul(dy, graph.add(a, a))
  const b = graph.cast(exponent, graph.type(a).elementType)
  const slope = graph.mul(b, graph.emit('Pow', [a, graph.sub(b, graph.scalar(1, b))]))
  if (known && !known.includes(0)) return graph.mul(dy, slope)
  const zero = graph.scalar(0, b)
  return graph.mul(dy, graph.where(graph.emit('Equal', [b, zero]), zero, slope))
}

function powExponent({ a, b, y, dy, graph }: Binary): ValueName | null {
  if (!isDifferentiable(graph.type(b).elementType)) return null
  const slope = graph.mul(y, graph.emit('Log', [a]))
  const isZero = graph.emit('And', [
    graph.emit('Equal', [a, graph.scalar(0, a)]),
    graph.emit('GreaterOrEqual', [b, graph.scalar(0, b)]),
  ])
  const db = graph.mul(dy, graph.where(isZero, graph.scalar(0, a), slope))
  return graph.cast(db, graph.type(b).elementType)
}
