import { z } from 'zod'
import type { Optimizer } from './optimizer.ts'

export const sgdSchema = z.strictObject({
  kind: z.literal('sgd'),
  /** 0: plain gradient descent, without any state. */
  momentum: z.number().min(0).lt(1).default(0),
})

/**
 * Stochastic gradient descent with Polyak's momentum, as PyTorch writes it:
 *
 *   v ← μ · v + g       w ← w − lr · v
 */
export function sgd({ momentum }: z.output<typeof sgdSchema>): Optimizer {
  return {
    slots: momentum === 0 ? [] : ['velocity'],
    scalars: ['learningRate'],
    scalarsAt: (_, learningRate) => [learningRate],
    emit(graph, { parameter, gradient, slots: [velocity], scalars: [learningRate = ''] }) {
      const direction = velocity
        ? graph.add(graph.mul(velocity, graph.scalar(momentum, velocity)), gradient)
        : gradient
      return {
        parameter: graph.sub(parameter, graph.mul(direction, learningRate)),
        slots: velocity ? [direction] : [],
      }
    },
  }
}
