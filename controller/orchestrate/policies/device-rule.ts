import type { GraphEdge, LatentGraph, MissingEdge } from '../latent-graph.ts'
import { byDevice, type Choice, type Matching, matchingOf, type PolicyContext } from './policy.ts'
import { Room } from './room.ts'

/**
 * A model that a device can connect to. Rules that look at latency do not ask for a workload: where
 * there is no edge, the device takes the model all the same and brings nothing.
 */
export interface Candidate {
  readonly device: number
  readonly model: number
  readonly modelId: string
  readonly edge: GraphEdge | null
}

export interface Ranked extends Candidate {
  /** The lower, the sooner taken. */
  readonly cost: number
}

/** Ranks the candidates of one device; what it leaves out is not taken. */
export type Rank = (candidates: readonly Candidate[], device: number) => readonly Ranked[]

/**
 * Device by device in their order: each takes the connectable model of the least cost that still
 * has room, ties to the lower index, and idles where there is none.
 */
export function matchByRule(
  graph: LatentGraph,
  context: PolicyContext,
  rule: { readonly rank: Rank; readonly reasonOf: (taken: Ranked) => string },
): Matching {
  const room = new Room(context)
  const edges = byDevice<GraphEdge>(graph, graph.edges)
  const missing = byDevice<MissingEdge>(
    graph,
    graph.missing.filter(edge => edge.isConnectable),
  )
  const choices = graph.devices.map(({ agentId }, device): Choice => {
    const candidates = [
      ...(edges[device] ?? []).map(edge => candidateOf(edge, edge)),
      ...(missing[device] ?? []).map(one => candidateOf(one, null)),
    ].sort((a, b) => a.model - b.model)
    const taken = leastCost(rule.rank(candidates, device), room)
    if (taken === null) return { agentId, edge: null, reason: 'idle: no model is in reach' }
    room.take(taken.model)
    const brings = taken.edge ? `${taken.edge.workload} samples` : 'no sample: the device idles'
    return { agentId, edge: taken.edge, reason: `${rule.reasonOf(taken)}; ${brings}` }
  })
  return matchingOf(graph, choices)
}

function candidateOf(
  { device, model, modelId }: Omit<Candidate, 'edge'>,
  edge: GraphEdge | null,
): Candidate {
  return { device, model, modelId, edge }
}

function leastCost(ranked: readonly Ranked[], room: Room): Ranked | null {
  let best: Ranked | null = null
  for (const one of ranked) {
    if (room.has(one.model) && (best === null || one.cost < best.cost)) best = one
  }
  return best
}
