import { z } from 'zod'
import {
  adamScalars,
  emitDirection,
  emitMoments,
  MOMENT_SLOTS,
  momentScales,
  momentSettings,
} from './adam.ts'
import type { Optimizer } from './optimizer.ts'
import { emitScaledSum } from './scaled-sum.ts'

export const adamWSchema = z.strictObject({
  kind: z.literal('adam-w'),
  ...momentSettings,
  weightDecay: z.number().nonnegative().default(0.01),
})

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2): the decay does not go
 * through the moments. Scaled as in adam.ts; keepₜ is a scalar of the step.
 *
 *   w ← keepₜ · w − lrₜ · M / (√V + εₜ)      keepₜ = 1 − lr · λ
 */
export function adamW(settings: z.output<typeof adamWSchema>): Optimizer {
  return {
    slots: MOMENT_SLOTS,
    slotScales: momentScales(settings),
    scalars: ['learningRate', 'epsilon', 'keep'],
    scalarsAt: (step, learningRate) => [
      ...adamScalars(settings, step, learningRate),
      1 - learningRate * settings.weightDecay,
    ],
    emit(graph, { parameter, gradient, slots, scalars }) {
      const [learningRate = '', epsilon = '', keep = ''] = scalars
      const moments = emitMoments(graph, { ...settings, gradient, slots })
      const x = emitDirection(graph, { ...moments, epsilon })
      const onto = graph.mul(parameter, keep)
      const moved = emitScaledSum(graph, { factor: graph.neg(learningRate), x, onto })
      return { parameter: moved, slots: [moments.first, moments.second] }
    },
  }
}
