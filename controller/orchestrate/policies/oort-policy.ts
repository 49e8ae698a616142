import type { LatentGraph } from '../latent-graph.ts'
import { type Candidate, matchByRule } from './device-rule.ts'
import { phaseSecondsOf } from './phase-seconds.ts'
import type { Policy } from './policy.ts'

/** α of Oort: how hard slow pairs are punished. */
const SLOWNESS_EXPONENT = 2

/**
 * The utility of Oort (Lai et al. 2021, OSDI, equation 1): |B|·√(Σ loss²/|B|) · (T/t)^{α·1(T < t)}.
 * The statistical part is taken with the loss of all samples alike, as no device reports losses
 * before it has trained: it is then the number of samples. T, the preferred duration, is one CR; t
 * is what sensing, transfer and computing of D_ref samples take.
 */
export const oortPolicy: Policy = {
  name: 'oort',
  label: 'Oort',
  propose: (graph, context) =>
    matchByRule(graph, context, {
      rank: candidates => candidates.map(one => ({ ...one, cost: -utilityOf(graph, one) })),
      reasonOf: ({ modelId, cost }) => `${modelId}: most utility, ${(-cost).toFixed(1)}`,
    }),
}

function utilityOf(graph: LatentGraph, { device, model, edge }: Candidate): number {
  const seconds = phaseSecondsOf(graph.stage, device, model)
  const pool = graph.stage.inputs.devices[device]?.nextPool
  const preferred = (pool?.slots ?? 0) * (pool?.slotSeconds ?? 0)
  const taken = seconds.sensing + seconds.communication + seconds.computing
  const speed = taken > preferred ? (preferred / taken) ** SLOWNESS_EXPONENT : 1
  return (edge?.workload ?? 0) * speed
}
