import type { RoundChoice, RoundDecision } from '../../../protocol/round-record.ts'
import type { Random } from '../../../runtime/seeded-random.ts'
import type { DecisionStage } from '../decision-stage.ts'
import type { GraphEdge, LatentGraph } from '../latent-graph.ts'

/** One device's action: the model that it senses for in this CR, or none. */
export interface Choice {
  readonly agentId: string
  readonly edge: GraphEdge | null
  /** Why, for people. */
  readonly reason: string
}

/** Graph matching: one choice a device, in the order of the graph's devices. */
export interface Matching {
  readonly choices: readonly Choice[]
  /** Sum of the GAI gains of the chosen edges. */
  readonly gain: number
  readonly bound: number
  /** (bound - gain) / bound, 0 where the bound is 0. */
  readonly gap: number
  /** What a policy that looks ahead expects of this and the coming rounds together. */
  readonly outlook?: Outlook
  /** Whose plan this is, where another was planned beside that of the policy. */
  readonly decision?: RoundDecision
}

export interface Outlook {
  readonly rounds: number
  /**
   * Gain of the plan, if things come as the policy assumes. Where shared models have prices, those of
   * the later rounds are taken off: it rather promises too little.
   */
  readonly gain: number
  /** What no plan could exceed under the same assumption. */
  readonly bound: number
}

export interface PolicyContext {
  readonly random: Random
  /** Rounds that will still be decided, this one among them; absent where there is no end. */
  readonly roundsLeft?: number
  /** Devices that a model takes in one round, by its index; absent where it takes all. */
  readonly capacities?: readonly number[]
  /** The rounds from this one on as they will be: only a simulator knows them. */
  readonly future?: readonly DecisionStage[]
  /** Called between devices of a plan that may take too long; throws to end it. */
  readonly tick?: () => void
}

/** Decides who serves what: pure, from the graph to a matching. */
export interface Policy {
  readonly name: string
  readonly label: string
  readonly propose: (graph: LatentGraph, context: PolicyContext) => Matching
}

/**
 * Gain, bound and gap of choices. The bound is the sum over devices of the greatest gain on their
 * edges. It bounds one CR only: over many, a choice also decides how much of the next pool is left
 * to sense with, and no sum of one CR's gains bounds what foresight could reach.
 */
export function matchingOf(graph: LatentGraph, choices: readonly Choice[]): Matching {
  const gain = choices.reduce((sum, choice) => sum + (choice.edge?.gain ?? 0), 0)
  const models = graph.models.length
  const best = graph.devices.map((_, device) => {
    const row = graph.gains.subarray(device * models, (device + 1) * models)
    return row.reduce((most, one) => Math.max(most, one), 0)
  })
  const bound = best.reduce((sum, one) => sum + one, 0)
  return { choices, gain, bound, gap: bound > 0 ? (bound - gain) / bound : 0 }
}

/** Edges, or missing edges, in one list a device, in the order of the graph's devices. */
export function byDevice<Edge extends { readonly device: number }>(
  graph: LatentGraph,
  edges: readonly Edge[],
): Edge[][] {
  const lists: Edge[][] = graph.devices.map(() => [])
  for (const edge of edges) lists[edge.device]?.push(edge)
  return lists
}

/** Limit of `reason` in a choice of the round record. */
const REASON_LENGTH_MAX = 500

/** A choice as the round record states it. */
export function roundChoiceOf({ agentId, edge, reason }: Choice): RoundChoice {
  return {
    agentId,
    modelId: edge?.modelId ?? null,
    gain: edge?.gain ?? 0,
    workload: edge?.workload ?? 0,
    ...(edge === null ? {} : { correlation: edge.correlation }),
    reason: reason.slice(0, REASON_LENGTH_MAX),
  }
}
