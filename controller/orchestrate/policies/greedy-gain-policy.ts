import { gaiGain } from '../gai-gain.ts'
import type { GraphEdge, LatentGraph, MissingEdge } from '../latent-graph.ts'
import { EdgeHeap } from './edge-heap.ts'
import { byDevice, type Choice, matchingOf, type Policy } from './policy.ts'
import { Room } from './room.ts'

/**
 * Takes the device and model with the greatest GAI gain, then again among the devices that are left,
 * ties to the lower index; a device idles where it has no edge of any gain. Each match counts: the
 * model then has absorbed its workload, and is worth less to the devices that follow
 * (docs/decisions/001-absorbed-samples.md). With one device it is the rule that GainNet, III-A, gives
 * for serial rounds. It does not see that consumption takes resources from the next sensing.
 *
 * Gains only fall as models absorb, so an edge whose gain is still the greatest when it is computed
 * anew is the next match, and the others need not be looked at (lazy greedy, Minoux 1978).
 */
export const greedyGainPolicy: Policy = {
  name: 'greedy-gain',
  label: 'Greedy gain',
  propose: (graph, context) => {
    const choices: (Choice | undefined)[] = graph.devices.map(() => undefined)
    const room = new Room(context)
    const absorbed = new Absorbed(graph)
    const own = byDevice(graph, graph.edges)
    const open = new EdgeHeap(graph.edges.map(edge => edge.gain))
    for (let top = open.top(); top !== null; top = open.top()) {
      const edge = graph.edges[top.index] as GraphEdge
      if (choices[edge.device] !== undefined || !room.has(edge.model) || top.value <= 0) {
        open.pop()
        continue
      }
      const gain = absorbed.gainOf(edge)
      if (gain < top.value) {
        open.lowerTop(gain)
        continue
      }
      open.pop()
      const best = { ...edge, gain }
      const reason = reasonFor(best, own[edge.device] ?? [], absorbed)
      choices[edge.device] = { agentId: edge.agentId, edge: best, reason }
      room.take(edge.model)
      absorbed.add(edge)
    }
    return matchingOf(graph, withIdle(graph, choices))
  },
}

/** Samples matched to each model in this decision so far. */
class Absorbed {
  readonly #graph: LatentGraph
  readonly #samples: Float64Array
  readonly #counts: boolean

  constructor(graph: LatentGraph) {
    this.#graph = graph
    this.#samples = new Float64Array(graph.models.length)
    this.#counts = graph.stage.inputs.gain.countsMatched ?? true
  }

  add({ model, workload }: GraphEdge): void {
    if (this.#counts) this.#samples[model] = (this.#samples[model] ?? 0) + workload
  }

  /** The edge's gain after what this decision has matched to its model so far. */
  gainOf(edge: GraphEdge): number {
    const model = this.#graph.models[edge.model]
    const matched = this.#samples[edge.model] ?? 0
    if (model === undefined || matched === 0) return edge.gain
    return gaiGain({
      value: model.value,
      correlation: edge.correlation,
      workload: edge.workload,
      effectiveSamples: model.effectiveSamples + matched,
      exponent: this.#graph.exponent,
    })
  }
}

function withIdle(graph: LatentGraph, choices: readonly (Choice | undefined)[]): Choice[] {
  const isIdle = choices.map(choice => choice === undefined)
  const missing = byDevice(
    graph,
    graph.missing.filter(edge => isIdle[edge.device]),
  )
  return graph.devices.map(
    ({ agentId }, device) =>
      choices[device] ?? { agentId, edge: null, reason: idleReason(missing[device] ?? []) },
  )
}

function reasonFor(best: GraphEdge, own: readonly GraphEdge[], absorbed: Absorbed): string {
  const { workload, limitedBy, correlation } = best
  let second: GraphEdge | null = null
  let secondGain = -1
  for (const edge of own) {
    if (edge.model === best.model) continue
    const gain = absorbed.gainOf(edge)
    if (gain > secondGain) {
      second = edge
      secondGain = gain
    }
  }
  const lead = second
    ? `gain ${best.gain.toFixed(3)} before ${secondGain.toFixed(3)} of ${second.modelId}`
    : `gain ${best.gain.toFixed(3)}, the only model in reach`
  return `${lead}: ${workload} samples (limited by ${limitedBy}), correlation ${correlation.toFixed(2)}`
}

function idleReason(missing: readonly MissingEdge[]): string {
  if (missing.length === 0) return 'idle: no model has a gain'
  return `idle: ${missing.map(edge => `${edge.modelId}: ${edge.reason}`).join('; ')}`
}
