import { elementCount } from '../onnx/tensor.ts'
import { reducedAxes } from '../types/reduction.ts'
import { type GradientRule, type Unary, unary } from './gradient-rule.ts'

export const reductionGradients = {
  // y = Σ x / n      dx = dy / n, stretched
  ReduceMean: unary(given => {
    const { x, y, dy, graph } = given
    const count = elementCount(graph.shape(x)) / elementCount(graph.shape(y))
    return stretched({ ...given, dy: graph.div(dy, graph.scalar(count, dy)) })
  }),

  // y = Σ x          dx = dy, stretched
  ReduceSum: unary(stretched),
} satisfies Record<string, GradientRule>

/** The gradient repeated along the axes that were summed over. */
function stretched({ node, x, dy, graph }: Unary): string {
  const shape = graph.shape(x)
  const axesInput = node.input[1]
  const axes = reducedAxes({
    node,
    inputs: [],
    input: () => graph.type(x),
    constantInts: () => (axesInput ? graph.constantInts(axesInput) : undefined),
  })
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
  return graph.emit('Expand', [graph.reshape(dy, kept), graph.ints(shape)])
}
