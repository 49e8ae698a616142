import { IDLE } from '../horizon/transition.ts'
import type { LatentGraph } from '../latent-graph.ts'
import {
  CANDIDATES,
  type CandidateBatch,
  LOOK_AHEAD_ROUNDS,
  modelOf,
  observe,
} from '../sac/candidates.ts'
import { type Corrections, correctionsOf } from '../sac/corrections.ts'
import type { PolicyNetworks } from '../sac/policy-file.ts'
import { ComingRounds, frozenStages, isCoupled } from './coming-rounds.ts'
import type { Consequences } from './match-greatest.ts'
import { type Plan, type PlannedStep, plannedMatching } from './planned-matching.ts'
import type { Guarded, Matching, Policy, PolicyContext } from './policy.ts'
import { proposePriced } from './priced-dp-policy.ts'
import { planShared } from './receding-dp-policy.ts'

/**
 * Soft actor-critic on discrete actions, one network for every device and model (GainNet, III-B;
 * Christodoulou 2019). It learned in the simulator what the plan of the present view gets wrong
 * because views, links and targets move on, and corrects the plan's choices by it.
 *
 * Where models absorb what is matched, or take a limited number of devices, of which training knows
 * nothing, the corrections are added to what plans with shared models weigh.
 */
export function sacPolicy({ actor, critics }: PolicyNetworks): Policy {
  return {
    name: 'sac',
    label: 'SAC',
    propose: (graph, context) => propose(graph, context, { actor, critics: [] }),
    proposeGuarded: (graph, context) => propose(graph, context, { actor, critics }),
  }
}

type Judges = Parameters<typeof correctionsOf>[1]

function propose(graph: LatentGraph, context: PolicyContext, judges: Judges): Matching {
  const rounds = Math.min(1 + LOOK_AHEAD_ROUNDS, context.roundsLeft ?? Number.POSITIVE_INFINITY)
  const stages = frozenStages(graph.stage, context.roundsLeft)
  const coming = new ComingRounds(graph, context, stages)
  const batch = observe(coming.settled, graph.pools, context.roundsLeft)
  const corrections = correctionsOf(batch, judges)
  const guarded = guardedOf(corrections)
  if (context.capacities !== undefined) {
    const priced = proposePriced(graph, context, (device, model) => {
      const one = corrections.ofDevice[device]
      return one?.model === model ? one.bonus : 0
    })
    return { ...priced, guarded: { ...guarded, plan: 'priced-dp' } }
  }
  if (isCoupled(graph)) {
    const plan = correctedPlan(graph, context, coming, corrections.ofDevice)
    return { ...plannedMatching(graph, plan), guarded }
  }
  const plan = freePlan(graph, batch, corrections.ofDevice, rounds)
  return { ...plannedMatching(graph, plan), guarded }
}

function guardedOf({ ofDevice, refusedCount }: Corrections): Guarded {
  const correctedCount = ofDevice.filter(one => one !== undefined).length
  return { plan: 'receding-dp', correctedCount, refusedCount }
}

/** Devices that share nothing take what they prefer. */
function freePlan(
  graph: LatentGraph,
  batch: CandidateBatch,
  corrections: Corrections['ofDevice'],
  rounds: number,
): Plan {
  let gain = 0
  const steps = graph.devices.map((_, device): PlannedStep => {
    const from = device * CANDIDATES
    const correction = corrections[device]
    const model = correction?.model ?? modelOf(batch.actions[from] ?? 0)
    const total = (batch.totals[from] ?? 0) + (correction?.lead ?? 0)
    gain += total
    const pair = device * graph.models.length + model
    return { model, gain: model === IDLE ? 0 : (graph.gains[pair] ?? 0), total }
  })
  return { steps, outlook: { rounds, gain, bound: gain } }
}

/** Models that absorb what is matched: by what is worth most, as the plan, corrections added. */
function correctedPlan(
  graph: LatentGraph,
  context: PolicyContext,
  coming: ComingRounds,
  corrections: Corrections['ofDevice'],
): Plan {
  // A bonus is taken off all other choices: consequences are never above 0.
  const less = (device: number, model: number): number => {
    const one = corrections[device]
    return one === undefined || one.model === model ? 0 : -one.bonus
  }
  const corrected: Consequences = {
    of: (device, model) => coming.of(device, model) + less(device, model),
    ofIdling: device => less(device, IDLE),
  }
  return planShared(graph, context, coming, corrected)
}
