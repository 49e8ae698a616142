import { z } from 'zod'
import type { Optimizer } from './optimizer.ts'

export const adagradSchema = z.strictObject({
  kind: z.literal('adagrad'),
  epsilon: z.number().positive().default(1e-10),
})

/**
 * Adagrad (Duchi, Hazan and Singer 2011, the diagonal form of figure 1), with ε where PyTorch has it:
 *
 *   S ← S + g²      w ← w − lr · g / (√S + ε)
 */
export function adagrad({ epsilon }: z.output<typeof adagradSchema>): Optimizer {
  return {
    slots: ['squareSum'],
    scalars: ['learningRate'],
    scalarsAt: (_, learningRate) => [learningRate],
    emit(graph, { parameter, gradient, slots: [squareSum = ''], scalars: [learningRate = ''] }) {
      const next = graph.add(squareSum, graph.mul(gradient, gradient))
      const root = graph.emit('Sqrt', [next])
      const divisor = graph.add(root, graph.scalar(epsilon, root))
      const move = graph.div(graph.mul(gradient, learningRate), divisor)
      return { parameter: graph.sub(parameter, move), slots: [next] }
    },
  }
}
