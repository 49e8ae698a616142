import { z } from 'zod'
import type { Optimizer } from './optimizer.ts'

export const rmsPropSchema = z.strictObject({
  kind: z.literal('rms-prop'),
  /** α: how much of the mean square is kept. */
  smoothing: z.number().min(0).lt(1).default(0.99),
  epsilon: z.number().positive().default(1e-8),
  /** 0: without a velocity. */
  momentum: z.number().min(0).lt(1).default(0),
})

/**
 * RMSprop (Tieleman and Hinton 2012, lecture 6.5), with momentum as PyTorch writes it. The state is
 * scaled, S = s / (1 − α), which saves a multiplication of a whole tensor:
 *
 *   S ← α · S + g²      v ← μ · v + g / (√S + ε / √(1 − α))
 *   w ← w − lr / √(1 − α) · v
 */
export function rmsProp(settings: z.output<typeof rmsPropSchema>): Optimizer {
  const { smoothing, epsilon, momentum } = settings
  const scale = Math.sqrt(1 - smoothing)
  return {
    slots: ['meanSquare', ...(momentum === 0 ? [] : ['velocity'])],
    slotScales: [1 - smoothing, ...(momentum === 0 ? [] : [1 / scale])],
    scalars: ['learningRate'],
    scalarsAt: (_, learningRate) => [learningRate / scale],
    emit(graph, { parameter, gradient, slots, scalars: [learningRate = ''] }) {
      const [meanSquare = '', velocity] = slots
      const kept = graph.mul(meanSquare, graph.scalar(smoothing, meanSquare))
      const meanNext = graph.add(kept, graph.mul(gradient, gradient))
      const root = graph.emit('Sqrt', [meanNext])
      const unit = graph.div(gradient, graph.add(root, graph.scalar(epsilon / scale, root)))
      const next =
        velocity && graph.add(graph.mul(velocity, graph.scalar(momentum, velocity)), unit)
      return {
        parameter: graph.sub(parameter, graph.mul(next ?? unit, learningRate)),
        slots: next ? [meanNext, next] : [meanNext],
      }
    },
  }
}
