import { gainAfter, IDLE } from '../horizon/transition.ts'
import type { LatentGraph } from '../latent-graph.ts'
import type { ComingRounds } from '../policies/coming-rounds.ts'
import type { PolicyContext } from '../policies/policy.ts'

/**
 * What choices, IDLE or a model by device, promise of all rounds together: their gains now, and what the rounds after them bring
 * as the receding-horizon plan would go on. One measure for every policy, so that plans which look
 * ahead and rules which do not can be compared. Where devices share nothing it is exact: the best
 * that can follow these choices. Where matches count as absorbed, those of a model count from the
 * greatest gain down, whoever proposed them.
 */
export function promisedGain(
  graph: LatentGraph,
  chosen: readonly number[],
  { coming, context }: { readonly coming: ComingRounds; readonly context: PolicyContext },
): number {
  const later = chosen.reduce((sum, model, device) => {
    context.tick?.()
    return sum + coming.after(device, model)
  }, 0)
  return later + gainNow(graph, chosen)
}

function gainNow({ stage, gains, workloads, models }: LatentGraph, chosen: readonly number[]) {
  const countsMatched = stage.inputs.gain.countsMatched ?? true
  const matched = new Float64Array(models.length)
  const pairs = chosen
    .flatMap((model, device) => (model === IDLE ? [] : [device * models.length + model]))
    .sort((a, b) => (gains[b] ?? 0) - (gains[a] ?? 0) || a - b)
  let sum = 0
  for (const pair of pairs) {
    const model = pair % models.length
    const workload = workloads[pair] ?? 0
    const before = matched[model] ?? 0
    sum += before === 0 ? (gains[pair] ?? 0) : gainAfter(stage, pair, workload, before)
    if (countsMatched) matched[model] = before + workload
  }
  return sum
}
