import { intAttribute } from '../onnx/attribute.ts'
import { fromFront } from '../types/type-rule.ts'
import { type GradientRule, type Unary, unary } from './gradient-rule.ts'

export const activationGradients = {
  // y = x − ln Σ eˣ  dx = dy − eʸ · Σ dy   (along the axis)
  LogSoftmax: unary(given => {
    const { y, dy, graph } = given
    return graph.sub(dy, graph.mul(graph.emit('Exp', [y]), graph.sum(dy, [axisOf(given)])))
  }),

  // y = max(x, 0)    dx = dy · [y > 0]     (0 at the kink, as PyTorch has it)
  Relu: unary(({ y, dy, graph }) => {
    const isPositive = graph.emit('Greater', [y, graph.scalar(0, y)])
    return graph.mul(dy, graph.cast(isPositive, graph.type(y).elementType))
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

  // y = tanh x       dx = dy · (1 − y²)
  Tanh: unary(({ y, dy, graph }) => graph.mul(dy, graph.sub(graph.scalar(1, y), graph.mul(y, y)))),
} satisfies Record<string, GradientRule>

/** From operator set 13 on the last axis where none is given. */
function axisOf({ node, y, graph }: Unary): number {
  return fromFront(intAttribute(node, 'axis', -1), graph.shape(y).length)
}
