import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { floatAttribute, intAttribute, stringAttribute } from '../onnx/attribute.ts'
import { fromFront } from '../types/type-rule.ts'
import { binary, type GradientRule, type Unary, unary } from './gradient-rule.ts'

/** α and γ of Klambauer et al. 2017, as Operators.md (Selu-6) has them. */
const SELU_ALPHA = 1.6732631921768188
const SELU_GAMMA = 1.0507010221481323

export const activationGradients = {
  // y = max(x, 0) + min(α(e^(x/α) − 1), 0)       dx = dy · (x > 0 ? 1 : y/α + 1)
  Celu: unary(({ node, x, y, dy, graph }) => {
    const alpha = graph.scalar(floatAttribute(node, 'alpha', 1), x)
    const one = graph.scalar(1, x)
    return graph.mul(dy, whereActive({ x, graph }, one, graph.add(graph.div(y, alpha), one)))
  }),

  // y = x > 0 ? x : α(eˣ − 1)          dx = dy · (x > 0 ? 1 : y + α)    (α at 0)
  Elu: unary(({ node, x, y, dy, graph }) => {
    const alpha = graph.scalar(floatAttribute(node, 'alpha', 1), x)
    return graph.mul(dy, whereActive({ x, graph }, graph.scalar(1, x), graph.add(y, alpha)))
  }),

  // exact            y = x · Φ(x)      dx = dy · (Φ(x) + x · φ(x))
  // with tanh        y = ½x(1 + t)     t = tanh u      u = √(2/π) · (x + 0.044715x³)
  //                  dx = dy · (½(1 + t) + ½x · (1 − t²) · u')
  Gelu: unary(given =>
    stringAttribute(given.node, 'approximate', 'none') === 'tanh'
      ? tanhGelu(given)
      : exactGelu(given),
  ),

  // y = max(0, min(1, αx + β))         dx = dy · α · [0 < y < 1]     (0 at the kinks)
  HardSigmoid: unary(({ node, y, dy, graph }) => {
    const alpha = graph.scalar(floatAttribute(node, 'alpha', 0.2), y)
    return graph.mul(graph.mul(dy, alpha), betweenZeroAndOne(graph, y))
  }),

  // y = x · h(x), h = HardSigmoid with α = 1/6, β = ½
  // dx = dy · (h + x/6 · [0 < h < 1])  (at the kinks the slope of the straight side, 0 and 1)
  HardSwish: unary(({ x, dy, graph }) => {
    const sixth = graph.mul(x, graph.scalar(1 / 6, x))
    const line = graph.add(sixth, graph.scalar(0.5, x))
    const h = graph.emit('Clip', [line, graph.scalar(0, x), graph.scalar(1, x)])
    return graph.mul(dy, graph.add(h, graph.mul(sixth, betweenZeroAndOne(graph, h))))
  }),

  // y = x > 0 ? x : αx                 dx = x > 0 ? dy : α · dy      (α at 0, as PyTorch has it)
  LeakyRelu: unary(({ node, x, dy, graph }) => {
    const alpha = graph.scalar(floatAttribute(node, 'alpha', 0.01), x)
    return whereActive({ x, graph }, dy, graph.mul(dy, alpha))
  }),

  // y = x − ln Σ eˣ  dx = dy − eʸ · Σ dy   (along the axis)
  LogSoftmax: unary(given => {
    const { y, dy, graph } = given
    return graph.sub(dy, graph.mul(graph.emit('Exp', [y]), graph.sum(dy, [axisOf(given)])))
  }),

  // y = x · t, t = tanh(ln(1 + eˣ))    dx = dy · (t + x · (1 − t²) · σ(x))
  Mish: unary(({ x, dy, graph }) => {
    const t = graph.emit('Tanh', [graph.emit('Softplus', [x])])
    const slope = graph.mul(oneMinusSquare(graph, t), graph.emit('Sigmoid', [x]))
    return graph.mul(dy, graph.add(t, graph.mul(x, slope)))
  }),

  // y = x > 0 ? x : s · x              dx = x > 0 ? dy : s · dy      ds = x > 0 ? 0 : x · dy
  PRelu: binary(({ a: x, b: slope, dy, graph }) => [
    whereActive({ x, graph }, dy, graph.mul(dy, slope)),
    whereActive({ x, graph }, graph.scalar(0, x), graph.mul(dy, x)),
  ]),

  // y = max(x, 0)    dx = dy · [y > 0]     (0 at the kink, as PyTorch has it)
  Relu: unary(({ y, dy, graph }) => graph.mul(dy, graph.mask('Greater', y, graph.scalar(0, y)))),

  // y = γ(x > 0 ? x : α(eˣ − 1))       dx = dy · (x > 0 ? γ : y + γα)
  Selu: unary(({ node, x, y, dy, graph }) => {
    const gamma = floatAttribute(node, 'gamma', SELU_GAMMA)
    const limit = gamma * floatAttribute(node, 'alpha', SELU_ALPHA)
    const curved = graph.add(y, graph.scalar(limit, x))
    return graph.mul(dy, whereActive({ x, graph }, graph.scalar(gamma, x), curved))
  }),

  // y = σ(x)         dx = dy · y · (1 − y)
  Sigmoid: unary(({ y, dy, graph }) =>
    graph.mul(dy, graph.mul(y, graph.sub(graph.scalar(1, y), y))),
  ),

  // y = eˣ / Σ eˣ    dx = y · (dy − Σ dy · y)   (along the axis)
  Softmax: unary(given => {
    const { y, dy, graph } = given
    return graph.mul(y, graph.sub(dy, graph.sum(graph.mul(dy, y), [axisOf(given)])))
  }),

  // y = ln(1 + eˣ)   dx = dy · σ(x)
  Softplus: unary(({ x, dy, graph }) => graph.mul(dy, graph.emit('Sigmoid', [x]))),

  // y = x / (1 + |x|)                  dx = dy / (1 + |x|)²
  Softsign: unary(({ x, dy, graph }) => {
    const divisor = graph.add(graph.scalar(1, x), graph.emit('Abs', [x]))
    return graph.div(dy, graph.mul(divisor, divisor))
  }),

  // y = tanh x       dx = dy · (1 − y²)
  Tanh: unary(({ y, dy, graph }) => graph.mul(dy, oneMinusSquare(graph, y))),

  // y = x > α ? x : 0                  dx = dy · [x > α]
  ThresholdedRelu: unary(({ node, x, dy, graph }) => {
    const alpha = graph.scalar(floatAttribute(node, 'alpha', 1), x)
    return graph.mul(dy, graph.mask('Greater', x, alpha))
  }),
} satisfies Record<string, GradientRule>

/** From operator set 13 on the last axis where none is given. */
function axisOf({ node, y, graph }: Unary): number {
  return fromFront(intAttribute(node, 'axis', -1), graph.shape(y).length)
}

function whereActive(
  { x, graph }: Pick<Unary, 'x' | 'graph'>,
  active: ValueName,
  inactive: ValueName,
): ValueName {
  return graph.where(graph.emit('Greater', [x, graph.scalar(0, x)]), active, inactive)
}

function betweenZeroAndOne(graph: GraphEmitter, x: ValueName): ValueName {
  const isAboveZero = graph.mask('Greater', x, graph.scalar(0, x))
  return graph.mul(isAboveZero, graph.mask('Less', x, graph.scalar(1, x)))
}

function oneMinusSquare(graph: GraphEmitter, x: ValueName): ValueName {
  return graph.sub(graph.scalar(1, x), graph.mul(x, x))
}

/** Φ(x) */
export function gaussianArea(graph: GraphEmitter, x: ValueName): ValueName {
  const erf = graph.emit('Erf', [graph.mul(x, graph.scalar(Math.SQRT1_2, x))])
  const half = graph.scalar(0.5, x)
  return graph.add(graph.mul(erf, half), half)
}

function exactGelu({ x, dy, graph }: Unary): ValueName {
  const bell = graph.emit('Exp', [graph.mul(graph.mul(x, x), graph.scalar(-0.5, x))])
  const density = graph.mul(bell, graph.scalar(1 / Math.sqrt(2 * Math.PI), x))
  return graph.mul(dy, graph.add(gaussianArea(graph, x), graph.mul(x, density)))
}

const TANH_SCALE = Math.sqrt(2 / Math.PI)
const TANH_CUBIC = 0.044715

/** t = tanh(√(2/π) · (x + 0.044715x³)) */
export function tanhOfGelu(graph: GraphEmitter, x: ValueName): ValueName {
  return graph.emit('Tanh', [graph.mul(x, evenPolynomial(graph, x, 1))])
}

/** √(2/π) · (1 + factor · 0.044715x²) */
function evenPolynomial(graph: GraphEmitter, x: ValueName, factor: number): ValueName {
  const ofSquare = graph.scalar(factor * TANH_SCALE * TANH_CUBIC, x)
  return graph.add(graph.scalar(TANH_SCALE, x), graph.mul(graph.mul(x, x), ofSquare))
}

function tanhGelu({ x, dy, graph }: Unary): ValueName {
  const t = tanhOfGelu(graph, x)
  const slope = graph.mul(oneMinusSquare(graph, t), evenPolynomial(graph, x, 3))
  const outer = graph.add(graph.scalar(1, x), t)
  const half = graph.scalar(0.5, x)
  return graph.mul(graph.mul(dy, half), graph.add(outer, graph.mul(x, slope)))
}
