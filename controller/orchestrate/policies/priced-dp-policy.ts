import { assignDevices, type Option } from '../horizon/assign-devices.ts'
import { capacityPrices } from '../horizon/capacity-prices.ts'
import { StateGraph } from '../horizon/state-graph.ts'
import { IDLE } from '../horizon/transition.ts'
import type { LatentGraph } from '../latent-graph.ts'
import { ComingRounds, frozenStages } from './coming-rounds.ts'
import { type PlannedStep, plannedMatching } from './planned-matching.ts'
import type { Matching, Policy, PolicyContext } from './policy.ts'
import { bestPlan } from './receding-dp-policy.ts'

/**
 * For models that take a limited number of devices: the Lagrangian prices of all coming rounds say
 * what a device would have to give up later, and with that the assignment of this round is solved
 * exactly within the capacities. A plan never breaks a capacity. Without capacities it is the
 * receding-horizon plan. Gains count as if no other device served the model in the same round.
 */
export const pricedDpPolicy: Policy = {
  name: 'priced-dp',
  label: 'Price-guided DP',
  propose: (graph, context) => proposePriced(graph, context),
}

/** What is known of a choice beside its plan, in gain. */
type Bonus = (device: number, model: number) => number

export function proposePriced(
  graph: LatentGraph,
  context: PolicyContext,
  bonusOf: Bonus = () => 0,
): Matching {
  const stages = context.future ?? frozenStages(graph.stage, context.roundsLeft)
  const { capacities } = context
  if (capacities === undefined) {
    const coming = new ComingRounds(graph, context, stages)
    return plannedMatching(graph, bestPlan(graph, context, coming))
  }
  const devices = graph.devices.length
  // More than all devices is no limit, and infinitely many have no price.
  const limits = capacities.map(capacity => Math.min(capacity, devices))
  return proposeWithin(graph, new StateGraph(stages), limits, bonusOf)
}

function proposeWithin(
  graph: LatentGraph,
  planner: StateGraph,
  capacities: NonNullable<PolicyContext['capacities']>,
  bonusOf: Bonus,
): Matching {
  const devices = graph.devices.map((_, device) => planner.addDevice(device, graph.pools))
  const { prices, bound } = capacityPrices(planner, devices, capacities)
  const edges = devices.map(nodes => {
    planner.solve(nodes, { prices })
    return planner.edgesOf(nodes.from)
  })
  const options = edges.map((own, device) =>
    own.map((edge): Option => {
      const { model, value } = optionOf(planner, edge)
      return { model, value: value + bonusOf(device, model) }
    }),
  )
  const chosen = assignDevices(options, capacities)
  const steps = devices.map((_, device): PlannedStep => {
    const at = chosen[device] ?? 0
    const edge = edges[device]?.[at] ?? -1
    return {
      model: planner.edgeModel.values[edge] ?? IDLE,
      gain: planner.edgeGain.values[edge] ?? 0,
      total: options[device]?.[at]?.value ?? 0,
    }
  })
  const gain = steps.reduce((sum, { total }) => sum + total, 0)
  return plannedMatching(graph, { steps, outlook: { rounds: planner.stages.length, gain, bound } })
}

/** Gain now, and what the rounds after it bring once their prices are paid. */
function optionOf(planner: StateGraph, edge: number): Option {
  const next = planner.edgeNext.values[edge] ?? -1
  const after = next < 0 ? 0 : (planner.value.values[next] ?? 0)
  return {
    model: planner.edgeModel.values[edge] ?? IDLE,
    value: (planner.edgeGain.values[edge] ?? 0) + after,
  }
}
