import type { DecisionStage } from '../decision-stage.ts'
import { type BestPlan, PlanSearch } from '../horizon/plan-search.ts'
import { IDLE } from '../horizon/transition.ts'
import type { LatentGraph } from '../latent-graph.ts'
import { LearningCurve } from '../learning-curve.ts'
import { plannedMatching } from './planned-matching.ts'
import type { Matching, Policy, PolicyContext } from './policy.ts'
import { Room } from './room.ts'

/**
 * Rounds that a plan without an end looks ahead. What is left of a pool matters to the next round;
 * further ones only weigh how that one chooses.
 */
const HORIZON_ROUNDS = 3

/**
 * Plans each device's coming rounds by exact dynamic programming as if nothing changed from what is
 * seen now, does the first step, and plans anew in the next CR: the strongest rule without a future.
 */
export const recedingDpPolicy: Policy = {
  name: 'receding-dp',
  label: 'Receding-horizon DP',
  propose: (graph, context) =>
    proposePlans(graph, context, frozenStages(graph.stage, context.roundsLeft)),
}

/** The present stage again and again: pools, links, views and gains stay as they are. */
export function frozenStages(stage: DecisionStage, roundsLeft = HORIZON_ROUNDS): DecisionStage[] {
  return new Array<DecisionStage>(Math.max(1, roundsLeft)).fill(stage)
}

/**
 * The best plans, device by device, the one with most to gain now first. Where matches count as
 * absorbed, models are worth less to the devices that follow; where models take few devices, later
 * ones find less room.
 */
export function proposePlans(
  graph: LatentGraph,
  context: PolicyContext,
  stages: readonly DecisionStage[],
): Matching {
  const { search, absorb, isCoupled } = coupledSearch(graph, stages)
  const room = new Room(context)
  const open = (model: number): boolean => room.has(model)
  const steps: BestPlan[] = []
  for (const device of byBestGain(graph)) {
    context.tick?.()
    const step = search.best(device, graph.pools, open)
    steps[device] = step
    if (step.model === IDLE) continue
    room.take(step.model)
    absorb(step.model, step.workload)
  }
  const gain = steps.reduce((sum, { total }) => sum + total, 0)
  // Devices that share nothing each have the best plan there is: the plan is its own bound.
  const shares = isCoupled || context.capacities !== undefined
  const bound = shares ? freeBound(graph, context, stages) : gain
  return plannedMatching(graph, steps, { rounds: stages.length, gain, bound })
}

/** A search in which, where matches count as absorbed, models are worth less after each. */
function coupledSearch(graph: LatentGraph, stages: readonly DecisionStage[]) {
  const { curves, absorb, isCoupled } = coupledCurves(graph)
  const search = new PlanSearch(isCoupled ? stages.map(one => ({ ...one, curves })) : stages)
  return { search, absorb, isCoupled }
}

/** Curves of a plan, which absorb its matches where these count at once. */
export function coupledCurves({ stage }: LatentGraph) {
  const isCoupled = stage.inputs.gain.countsMatched ?? true
  const curves = stage.curves.map(
    ({ effectiveSamples, exponent }) => new LearningCurve(effectiveSamples, exponent),
  )
  const absorb = (model: number, workload: number): void => {
    if (isCoupled) curves[model]?.absorb(workload)
  }
  return { curves, absorb, isCoupled }
}

/** What each device could gain if it were alone, in all rounds together. */
function freeBound(
  graph: LatentGraph,
  { tick }: PolicyContext,
  stages: readonly DecisionStage[],
): number {
  const search = new PlanSearch(stages)
  let bound = 0
  for (const device of graph.devices.keys()) {
    tick?.()
    bound += search.best(device, graph.pools).total
  }
  return bound
}

/** Devices, the one with the greatest gain now first. */
export function byBestGain({ devices, models, gains }: LatentGraph): number[] {
  const best = new Float64Array(devices.length)
  for (let pair = 0; pair < gains.length; pair++) {
    const device = Math.floor(pair / models.length)
    best[device] = Math.max(best[device] ?? 0, gains[pair] ?? 0)
  }
  return [...best.keys()].sort((a, b) => (best[b] ?? 0) - (best[a] ?? 0) || a - b)
}
