import { z } from 'zod'
import type { Optimizer } from './optimizer.ts'
import { emitScaledSum } from './scaled-sum.ts'

export const sgdSchema = z
  .strictObject({
    kind: z.literal('sgd'),
    /** 0: plain gradient descent, without any state. */
    momentum: z.number().min(0).lt(1).default(0),
    /** Looks ahead by one more step of the momentum. */
    nesterov: z.boolean().default(false),
    /** λ of an L2 term, whose gradient goes through the momentum like any other. */
    weightDecay: z.number().nonnegative().default(0),
  })
  .refine(({ momentum, nesterov }) => !nesterov || momentum > 0, 'nesterov needs a momentum')

/**
 * Stochastic gradient descent with Polyak's momentum (1964), or Nesterov's in the form of Sutskever
 * et al. 2013, as PyTorch writes them:
 *
 *   g ← g + λ · w       v ← μ · v + g
 *   w ← w − lr · v      with nesterov: w ← w − lr · (g + μ · v)
 */
export function sgd(settings: z.output<typeof sgdSchema>): Optimizer {
  const { momentum, nesterov, weightDecay } = settings
  return {
    slots: momentum === 0 ? [] : ['velocity'],
    scalars: ['learningRate'],
    scalarsAt: (_, learningRate) => [learningRate],
    emit(graph, { parameter, gradient, slots: [velocity], scalars: [learningRate = ''] }) {
      const plus = (onto: string, x: string, factor: number) =>
        emitScaledSum(graph, { factor: graph.scalar(factor, x), x, onto })
      const pull = weightDecay === 0 ? gradient : plus(gradient, parameter, weightDecay)
      const next = velocity && plus(pull, velocity, momentum)
      const x = next && nesterov ? plus(pull, next, momentum) : (next ?? pull)
      const factor = graph.neg(learningRate)
      return {
        parameter: emitScaledSum(graph, { factor, x, onto: parameter }),
        slots: next ? [next] : [],
      }
    },
  }
}
