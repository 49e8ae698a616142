import { IDLE } from '../horizon/transition.ts'
import type { LatentGraph, MissingEdge } from '../latent-graph.ts'
import { greedyMatches, type Match } from './match-greatest.ts'
import { type Choice, matchingOf, type Policy } from './policy.ts'

/**
 * Takes the device and model with the greatest GAI gain, then again among the devices that are left;
 * a device idles where it has no edge of any gain. With one device it is the rule that GainNet, III-A,
 * gives for serial rounds. It does not see that consumption takes resources from the next sensing.
 */
export const greedyGainPolicy: Policy = {
  name: 'greedy-gain',
  label: 'Greedy gain',
  propose: (graph, context) => {
    const matches = greedyMatches(graph, context)
    return matchingOf(
      graph,
      matches.map((match, device) => choiceOf(graph, device, match)),
    )
  },
}

function choiceOf(graph: LatentGraph, device: number, match: Match): Choice {
  const { agentId = '' } = graph.devices[device] ?? {}
  const edge = match.model === IDLE ? null : graph.edgeOf(device, match.model)
  if (edge === null) return { agentId, edge, reason: idleReason(graph.missingOf(device)) }
  const { gain, second } = match
  const other = graph.models[second.model]
  const lead = other ? `before ${second.gain.toFixed(3)} of ${other.modelId}` : ONLY_MODEL
  const limits = `limited by ${edge.limitedBy}), correlation ${edge.correlation.toFixed(2)}`
  const comma = other ? ' ' : ', '
  const reason = `gain ${gain.toFixed(3)}${comma}${lead}: ${edge.workload} samples (${limits}`
  return { agentId, edge: { ...edge, gain }, reason }
}

const ONLY_MODEL = 'the only model in reach'

function idleReason(missing: readonly MissingEdge[]): string {
  if (missing.length === 0) return 'idle: no model has a gain'
  return `idle: ${missing.map(edge => `${edge.modelId}: ${edge.reason}`).join('; ')}`
}
