import { z } from 'zod'
import type { Optimizer } from './optimizer.ts'

export const adamSchema = z.strictObject({
  kind: z.literal('adam'),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.999),
  epsilon: z.number().positive().default(1e-8),
})

/**
 * Adam (Kingma and Ba 2015, algorithm 1) with scaled state, which saves two multiplications of whole
 * tensors a step. With M = m / (1 − β₁) and V = v / (1 − β₂):
 *
 *   M ← β₁ · M + g      V ← β₂ · V + g²
 *   w ← w − lrₜ · M / (√V + εₜ)
 *
 *   lrₜ = lr · (1 − β₁) / (1 − β₁ᵗ) · cₜ     εₜ = ε · cₜ     cₜ = √((1 − β₂ᵗ) / (1 − β₂))
 */
export function adam({ beta1, beta2, epsilon }: z.output<typeof adamSchema>): Optimizer {
  return {
    slots: ['firstMoment', 'secondMoment'],
    scalars: ['learningRate', 'epsilon'],
    scalarsAt(step, learningRate) {
      const scale = Math.sqrt((1 - beta2 ** step) / (1 - beta2))
      return [((learningRate * (1 - beta1)) / (1 - beta1 ** step)) * scale, epsilon * scale]
    },
    emit(graph, { parameter, gradient, slots, scalars }) {
      const [first = '', second = ''] = slots
      const [learningRate = '', epsilonNow = ''] = scalars
      const firstNext = graph.add(graph.mul(first, graph.scalar(beta1, first)), gradient)
      const square = graph.mul(gradient, gradient)
      const secondNext = graph.add(graph.mul(second, graph.scalar(beta2, second)), square)
      const divisor = graph.add(graph.emit('Sqrt', [secondNext]), epsilonNow)
      const move = graph.div(graph.mul(firstNext, learningRate), divisor)
      return { parameter: graph.sub(parameter, move), slots: [firstNext, secondNext] }
    },
  }
}
