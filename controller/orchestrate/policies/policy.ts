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
  /** How much of what was learned is in it. */
  readonly guarded?: Guarded
  /** Whose plan this is, where another was planned beside that of the policy. */
  readonly decision?: RoundDecision
}

/** A plan, corrected by what was learned. */
export interface Guarded {
  /** Policy whose plan it is. */
  readonly plan: string
  /** Devices that were given another choice than the plan's. */
  readonly correctedCount: number
  /** Devices that kept the plan's choice, as judges that were learned too hold it for worth more. */
  readonly refusedCount: number
}

export interface Outlook {
  readonly rounds: number
  /**
   * Gain of the plan, if things come as the policy assumes. Where shared models have prices, those of
   * the later rounds are taken off: it rather promises too little. Without prices it leaves limits of
   * the later rounds out.
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
  /**
   * Of a policy that was learned: its proposal where its own judges hold that for worth more than the
   * receding-horizon plan, device by device, and the plan elsewhere. This is what is executed.
   */
  readonly proposeGuarded?: Policy['propose']
}

/**
 * Gain, bound and gap of choices. The bound is the sum over devices of the greatest gain on their
 * edges. It bounds one CR only: over many, a choice also decides how much of the next pool is left
 * to sense with, and no sum of one CR's gains bounds what foresight could reach.
 */
export function matchingOf(graph: LatentGraph, choices: readonly Choice[]): Matching {
  const gain = choices.reduce((sum, choice) => sum + (choice.edge?.gain ?? 0), 0)
  const bound = greatestGains(graph).reduce((sum, one) => sum + one, 0)
  return { choices, gain, bound, gap: bound > 0 ? (bound - gain) / bound : 0 }
}

/** By device, the greatest gain on its edges. */
export function greatestGains({ gains, devices, models }: LatentGraph): Float64Array {
  const greatest = new Float64Array(devices.length)
  for (let device = 0, pair = 0; device < devices.length; device++) {
    for (let model = 0; model < models.length; model++, pair++) {
      const gain = gains[pair] ?? 0
      if (gain > (greatest[device] ?? 0)) greatest[device] = gain
    }
  }
  return greatest
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
