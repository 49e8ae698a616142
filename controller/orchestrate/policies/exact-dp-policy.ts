import { ComingRounds, frozenStages } from './coming-rounds.ts'
import { plannedMatching } from './planned-matching.ts'
import type { Policy } from './policy.ts'
import { bestPlan } from './receding-dp-policy.ts'

/**
 * Plans each device's rounds by exact dynamic programming on what they will really be. Without
 * shared capacities nothing gains more: the clairvoyant optimum that all others are measured by.
 * Where the future is not given it knows no more than the receding-horizon plan.
 */
export const exactDpPolicy: Policy = {
  name: 'exact-dp',
  label: 'Exact DP (clairvoyant)',
  propose: (graph, context) => {
    const stages = context.future ?? frozenStages(graph.stage, context.roundsLeft)
    const coming = new ComingRounds(graph, context, stages)
    return plannedMatching(graph, bestPlan(graph, context, coming))
  },
}
