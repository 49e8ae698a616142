import type { RoundAlternative, RoundChoice } from '../../../protocol/round-record.ts'
import type { GraphEdge, LatentGraph } from '../latent-graph.ts'
import { type Choice, roundChoiceOf } from '../policies/policy.ts'
import { bindingLimit } from './binding-limit.ts'

const ALTERNATIVES_MAX = 3
/** Records of larger fleets would not fit a message (4 MiB). */
const EXPLAINED_DEVICES_MAX = 2000

/** Choices as the round record states them: with what bound them, and what else could have been. */
export function explainedChoices(graph: LatentGraph, choices: readonly Choice[]): RoundChoice[] {
  if (choices.length > EXPLAINED_DEVICES_MAX) return choices.map(roundChoiceOf)
  return choices.map((choice, device) => ({
    ...roundChoiceOf(choice),
    ...(choice.edge ? { limitedBy: bindingLimit(graph, choice.edge) } : {}),
    alternatives: alternativesTo(graph, device, choice.edge),
  }))
}

/** The other models of a device with the greatest gains, each as if no other device served it. */
function alternativesTo(
  graph: LatentGraph,
  device: number,
  chosen: GraphEdge | null,
): RoundAlternative[] {
  const row = device * graph.models.length
  const gainOf = (model: number): number => graph.gains[row + model] ?? 0
  return [...graph.models.keys()]
    .filter(model => model !== chosen?.model && gainOf(model) > 0)
    .sort((a, b) => gainOf(b) - gainOf(a) || a - b)
    .slice(0, ALTERNATIVES_MAX)
    .flatMap(model => graph.edgeOf(device, model) ?? [])
    .map(edge => ({
      modelId: edge.modelId,
      gain: edge.gain,
      workload: edge.workload,
      correlation: edge.correlation,
      limitedBy: bindingLimit(graph, edge),
    }))
}
