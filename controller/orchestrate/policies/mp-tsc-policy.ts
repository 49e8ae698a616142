import type { LatentGraph } from '../latent-graph.ts'
import { type Candidate, matchByRule, type Ranked } from './device-rule.ts'
import { phaseSecondsOf } from './phase-seconds.ts'
import type { Policy } from './policy.ts'

/**
 * Maximum product of the number of sensed targets and the sensing capacity (GainNet, V-B, baseline
 * MP-TSC): targets in the sensing domains that the model uses, each counted once, times G(ρ_r, m).
 * Ties go to the least latency of communication.
 */
export const mpTscPolicy: Policy = {
  name: 'mp-tsc',
  label: 'MP-TSC',
  propose: (graph, context) =>
    matchByRule(graph, context, {
      rank: candidates => ranked(graph, candidates),
      reasonOf: ({ modelId, cost }) => `${modelId}: most targets x capacity, ${-cost}`,
    }),
}

function ranked(graph: LatentGraph, candidates: readonly Candidate[]): Ranked[] {
  return candidates
    .map(one => ({ ...one, cost: -targetsOf(graph, one) * capacityOf(one) }))
    .map(one => ({ one, seconds: communicationSeconds(graph, one) }))
    .sort((a, b) => a.one.cost - b.one.cost || a.seconds - b.seconds)
    .map(({ one }) => one)
}

/** Where there is no edge, sensing or computing yields no sample. */
function capacityOf({ edge }: Candidate): number {
  return edge?.sensingCapacity ?? 0
}

/** Distinct targets in view; where targets are not told apart, each sensor counts as one. */
function targetsOf({ stage }: LatentGraph, { device, model }: Candidate): number {
  const set = device * stage.kindSets.length + (stage.kindSetOf[model] ?? 0)
  const sensors = stage.sensing[set]?.sensors ?? []
  const distinct = new Set(sensors.flatMap(sensor => sensor.targetIds ?? []))
  return sensors.some(sensor => sensor.targetIds) ? distinct.size : sensors.length
}

function communicationSeconds(graph: LatentGraph, { device, model }: Candidate): number {
  return phaseSecondsOf(graph.stage, device, model).communication
}
