import type { ValueName } from '../graph/graph-emitter.ts'
import { elementCount } from '../onnx/tensor.ts'
import { reducedAxes } from '../types/reduction.ts'
import { type GradientRule, knownOf, type Unary, unary } from './gradient-rule.ts'

// The rules see y and dy as if the reduced axes had been kept with size one: what is combined with x
// is stretched by broadcasting.
export const reductionGradients = {
  // y = Σ |x|        dx = dy · sign x     (0 at 0)
  ReduceL1: reduced(({ x, dy, graph }) => graph.mul(dy, graph.emit('Sign', [x]))),

  // y = √(Σ x²)      dx = dy · x / y      (0 where y = 0, as PyTorch has it)
  ReduceL2: reduced(({ x, y, dy, graph }) => {
    const isZero = graph.emit('Equal', [y, graph.scalar(0, y)])
    return graph.mul(x, graph.div(dy, graph.where(isZero, graph.scalar(1, y), y)))
  }),

  // y = ln Σ x       dx = dy · e⁻ʸ
  ReduceLogSum: reduced(({ x, y, dy, axes, graph }) =>
    stretched({ x, axes, graph, dy: graph.mul(dy, graph.emit('Exp', [graph.neg(y)])) }),
  ),

  // y = ln Σ eˣ      dx = dy · e^(x − y)
  ReduceLogSumExp: reduced(({ x, y, dy, graph }) =>
    graph.mul(dy, graph.emit('Exp', [graph.sub(x, y)])),
  ),

  // y = max x        dx = dy · [x = y] / n      (n equal ones share it, as PyTorch's amax has it)
  ReduceMax: reduced(sharedByWinners),

  // y = Σ x / n      dx = dy / n
  ReduceMean: reduced(given => {
    const { x, y, dy, graph } = given
    const count = elementCount(graph.shape(x)) / elementCount(graph.shape(y))
    return stretched({ ...given, dy: graph.div(dy, graph.scalar(count, dy)) })
  }),

  // y = min x        dx = dy · [x = y] / n
  ReduceMin: reduced(sharedByWinners),

  // y = Π x          dxᵢ = dy · Π xⱼ over the others
  // = dy · p / xᵢ, where p leaves zeros out and the whole is 0 where another element is zero.
  ReduceProd: reduced(({ x, dy, axes, graph }) => {
    const zero = graph.scalar(0, x)
    const isZero = graph.mask('Equal', x, zero)
    const nonZero = graph.add(x, isZero)
    const product = graph.emit('ReduceProd', [nonZero, graph.ints(axes)])
    const otherZeros = graph.sub(graph.sum(isZero, axes), isZero)
    const others = graph.mul(graph.div(product, nonZero), graph.mask('Equal', otherZeros, zero))
    return graph.mul(dy, others)
  }),

  // y = Σ x          dx = dy
  ReduceSum: reduced(stretched),

  // y = Σ x²         dx = dy · 2x
  ReduceSumSquare: reduced(({ x, dy, graph }) => graph.mul(dy, graph.add(x, x))),
} satisfies Record<string, GradientRule>

interface Reduced extends Unary {
  readonly axes: readonly number[]
}

function reduced(rule: (given: Reduced) => ValueName): GradientRule {
  return unary(given => {
    const { node, graph, x, y, dy } = given
    const axes = reducedAxes(knownOf({ node, inputs: node.input }, graph))
    const kept = graph.shape(x).map((size, axis) => (axes.includes(axis) ? 1 : size))
    return rule({ ...given, axes, y: graph.reshape(y, kept), dy: graph.reshape(dy, kept) })
  })
}

/** The gradient repeated along the axes that were reduced. */
function stretched({ x, dy, axes, graph }: Pick<Reduced, 'x' | 'dy' | 'axes' | 'graph'>) {
  return axes.length === 0 ? dy : graph.emit('Expand', [dy, graph.ints(graph.shape(x))])
}

function sharedByWinners({ x, y, dy, axes, graph }: Reduced): ValueName {
  const isWinner = graph.mask('Equal', x, y)
  return graph.mul(graph.div(dy, graph.sum(isWinner, axes)), isWinner)
}
