import { z } from 'zod'
import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import type { Optimizer } from './optimizer.ts'
import { emitScaledSum } from './scaled-sum.ts'

/** What Adam and those made of it have in common. */
export const momentSettings = {
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.999),
  epsilon: z.number().positive().default(1e-8),
}

export const adamSchema = z.strictObject({ kind: z.literal('adam'), ...momentSettings })

export const MOMENT_SLOTS = ['firstMoment', 'secondMoment'] as const

interface Betas {
  readonly beta1: number
  readonly beta2: number
}

/**
 * Adam (Kingma and Ba 2015, algorithm 1) with scaled state, which saves two multiplications of whole
 * tensors a step. With M = m / (1 − β₁) and V = v / (1 − β₂):
 *
 *   M ← β₁ · M + g      V ← β₂ · V + g²
 *   w ← w − lrₜ · M / (√V + εₜ)
 *
 *   lrₜ = lr · (1 − β₁) / (1 − β₁ᵗ) · cₜ     εₜ = ε · cₜ     cₜ = √((1 − β₂ᵗ) / (1 − β₂))
 */
export function adam(settings: z.output<typeof adamSchema>): Optimizer {
  return {
    slots: MOMENT_SLOTS,
    slotScales: momentScales(settings),
    scalars: ['learningRate', 'epsilon'],
    scalarsAt: (step, learningRate) => adamScalars(settings, step, learningRate),
    emit(graph, { parameter, gradient, slots, scalars: [learningRate = '', epsilon = ''] }) {
      const moments = emitMoments(graph, { ...settings, gradient, slots })
      const x = emitDirection(graph, { ...moments, epsilon })
      const moved = emitScaledSum(graph, { factor: graph.neg(learningRate), x, onto: parameter })
      return { parameter: moved, slots: [moments.first, moments.second] }
    },
  }
}

/** m = (1 − β₁) · M and v = (1 − β₂) · V. */
export function momentScales({ beta1, beta2 }: Betas): readonly number[] {
  return [1 - beta1, 1 - beta2]
}

/** lrₜ and εₜ. */
export function adamScalars(
  { beta1, beta2, epsilon }: Betas & { readonly epsilon: number },
  step: number,
  learningRate: number,
): readonly [number, number] {
  const scale = Math.sqrt((1 - beta2 ** step) / (1 - beta2))
  return [((learningRate * (1 - beta1)) / (1 - beta1 ** step)) * scale, epsilon * scale]
}

interface Moments {
  readonly first: ValueName
  readonly second: ValueName
}

/** M and V after this gradient. */
export function emitMoments(
  graph: GraphEmitter,
  given: Betas & { readonly gradient: ValueName; readonly slots: readonly ValueName[] },
): Moments {
  const {
    beta1,
    beta2,
    gradient,
    slots: [first = '', second = ''],
  } = given
  const decayed = (x: ValueName, beta: number, onto: ValueName) =>
    emitScaledSum(graph, { factor: graph.scalar(beta, x), x, onto })
  return {
    first: decayed(first, beta1, gradient),
    second: decayed(second, beta2, graph.mul(gradient, gradient)),
  }
}

/** M / (√V + εₜ) */
export function emitDirection(
  graph: GraphEmitter,
  { first, second, epsilon }: Moments & { readonly epsilon: ValueName },
): ValueName {
  return graph.div(first, graph.add(graph.emit('Sqrt', [second]), epsilon))
}
