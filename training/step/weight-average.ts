import { z } from 'zod'
import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'

export const weightAverageSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('exponential'),
    /** How much of the average is kept at each step. */
    decay: z.number().min(0).lt(1).default(0.999),
  }),
  z.strictObject({
    kind: z.literal('polyak'),
    /** Steps that do not count: the way from the start is no part of where it ends. */
    afterSteps: z.int().nonnegative().default(0),
  }),
])

export type WeightAverageOptions = z.input<typeof weightAverageSchema>
export type WeightAverageSettings = z.output<typeof weightAverageSchema>

/**
 * An average of the parameters over the steps, kept beside them: a ← a + rₜ · (w − a).
 *
 *   exponential   r₁ = 1, then 1 − decay
 *   polyak        rₜ = 1 / (t − afterSteps), the mean of all since (Polyak and Juditsky 1992); 1 before
 *
 * The first step is taken whole, so that nothing of the start is in it, as torch's AveragedModel does.
 */
export function averageRate(settings: WeightAverageSettings, step: number): number {
  if (settings.kind === 'exponential') return step === 1 ? 1 : 1 - settings.decay
  return 1 / Math.max(1, step - settings.afterSteps)
}

export function emitAverage(
  graph: GraphEmitter,
  given: { readonly average: ValueName; readonly parameter: ValueName; readonly rate: ValueName },
): ValueName {
  const { average, parameter, rate } = given
  return graph.add(average, graph.mul(graph.sub(parameter, average), rate))
}
