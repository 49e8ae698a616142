import { IDLE } from '../horizon/transition.ts'
import type { LatentGraph } from '../latent-graph.ts'
import { ComingRounds, frozenStages, isCoupled } from './coming-rounds.ts'
import { type Consequences, greedyMatches, type Match, matchGreatest } from './match-greatest.ts'
import { type Plan, type PlannedStep, plannedMatching } from './planned-matching.ts'
import { greatestGains, type Policy, type PolicyContext } from './policy.ts'

/**
 * Plans each device's coming rounds by exact dynamic programming as if nothing changed from what is
 * seen now, does the first step, and plans anew in the next CR: the strongest rule without a future.
 */
export const recedingDpPolicy: Policy = {
  name: 'receding-dp',
  label: 'Receding-horizon DP',
  propose: (graph, context) => {
    const stages = frozenStages(graph.stage, context.roundsLeft)
    const coming = new ComingRounds(graph, context, stages)
    return plannedMatching(graph, bestPlan(graph, context, coming))
  },
}

/**
 * The best plans. Devices that share nothing are planned one by one, and their plans are their own
 * bound. Where models absorb what is matched, or take few devices, that is greedy gain which also
 * counts what a choice costs the rounds after it.
 */
export function bestPlan(graph: LatentGraph, context: PolicyContext, coming: ComingRounds): Plan {
  const { rounds } = coming
  if (isCoupled(graph) || context.capacities !== undefined) {
    return planShared(graph, context, coming)
  }
  const steps = graph.devices.map((_, device): PlannedStep => {
    context.tick?.()
    return coming.search.best(device, graph.pools)
  })
  const gain = steps.reduce((sum, { total }) => sum + total, 0)
  return { steps, outlook: { rounds, gain, bound: gain } }
}

/**
 * Device after device by what is worth most, as far as models still have room and can still learn. A
 * rule, not an optimum: where greedy gain comes out better, consequences counted, it is that.
 */
export function planShared(
  graph: LatentGraph,
  context: PolicyContext,
  coming: ComingRounds,
  consequences: Consequences = coming,
): Plan {
  const [ahead, greedy] = [
    matchGreatest(graph, context, consequences),
    greedyMatches(graph, context),
  ]
  const isAhead = worthOf(ahead, consequences) >= worthOf(greedy, consequences)
  const greatest = greatestGains(graph)
  let [gain, bound] = [0, 0]
  const steps = (isAhead ? ahead : greedy).map((match, device): PlannedStep => {
    const after = coming.after(device, match.model)
    gain += match.gain + after
    bound += (greatest[device] ?? 0) + coming.most(device)
    return { ...match, total: match.gain + after }
  })
  return { steps, outlook: { rounds: coming.rounds, gain, bound } }
}

function worthOf(matches: readonly Match[], consequences: Consequences): number {
  return matches.reduce((sum, { model, gain }, device) => {
    const cost = model === IDLE ? consequences.ofIdling(device) : consequences.of(device, model)
    return sum + gain + cost
  }, 0)
}
