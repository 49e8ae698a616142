import { gaiGain } from '../gai-gain.ts'
import type { GraphEdge, LatentGraph, MissingEdge } from '../latent-graph.ts'
import { byDevice, type Choice, matchingOf, type Policy } from './policy.ts'

/**
 * Takes the device and model with the greatest GAI gain, then again among the devices that are left,
 * ties to the lower index; a device idles where it has no edge of any gain. Each match counts: the
 * model then has absorbed its workload, and is worth less to the devices that follow
 * (docs/decisions/001-absorbed-samples.md). With one device it is the rule that GainNet, III-A, gives
 * for serial rounds. It does not see that consumption takes resources from the next sensing.
 */
export const greedyGainPolicy: Policy = {
  name: 'greedy-gain',
  label: 'Greedy gain',
  propose: graph => {
    const choices = new Map<number, Choice>()
    const absorbed = graph.models.map(() => 0)
    while (choices.size < graph.devices.length) {
      const open = graph.edges
        .filter(edge => !choices.has(edge.device))
        .map(edge => ({ ...edge, gain: gainNow(graph, edge, absorbed) }))
      const best = open.reduce<GraphEdge | null>(
        (most, edge) => (edge.gain > (most?.gain ?? 0) ? edge : most),
        null,
      )
      if (best === null) break
      const own = open.filter(edge => edge.device === best.device && edge !== best)
      choices.set(best.device, {
        agentId: best.agentId,
        edge: best,
        reason: reasonFor(best, own),
      })
      absorbed[best.model] = (absorbed[best.model] ?? 0) + best.workload
    }
    const missing = byDevice(graph, graph.missing)
    return matchingOf(
      graph,
      graph.devices.map(
        ({ agentId }, device) =>
          choices.get(device) ?? { agentId, edge: null, reason: idleReason(missing[device] ?? []) },
      ),
    )
  },
}

/** The edge's gain after what this decision has matched to its model so far. */
function gainNow(graph: LatentGraph, edge: GraphEdge, absorbed: readonly number[]): number {
  const model = graph.models[edge.model]
  const matched = absorbed[edge.model] ?? 0
  if (model === undefined || matched === 0) return edge.gain
  return gaiGain({
    value: model.value,
    correlation: edge.correlation,
    workload: edge.workload,
    effectiveSamples: model.effectiveSamples + matched,
    exponent: graph.exponent,
  })
}

function reasonFor(best: GraphEdge, others: readonly GraphEdge[]): string {
  const { workload, limitedBy, correlation } = best
  const second = others.reduce<GraphEdge | null>(
    (most, edge) => (edge.gain > (most?.gain ?? -1) ? edge : most),
    null,
  )
  const lead = second
    ? `gain ${best.gain.toFixed(3)} before ${second.gain.toFixed(3)} of ${second.modelId}`
    : `gain ${best.gain.toFixed(3)}, the only model in reach`
  return `${lead}: ${workload} samples (limited by ${limitedBy}), correlation ${correlation.toFixed(2)}`
}

function idleReason(missing: readonly MissingEdge[]): string {
  if (missing.length === 0) return 'idle: no model has a gain'
  return `idle: ${missing.map(edge => `${edge.modelId}: ${edge.reason}`).join('; ')}`
}
