import type { DecisionStage } from '../../controller/orchestrate/decision-stage.ts'
import { linkRatesOf } from '../../controller/orchestrate/decision-stage.ts'
import { leastEnergyPlan } from '../../controller/orchestrate/energy-workload.ts'
import type { GraphEdge } from '../../controller/orchestrate/latent-graph.ts'
import type { ScenarioOptions } from '../../controller/simulate/scenario-options.ts'

/** κ of a vehicle's processor: 10 W at 4.6 GHz. */
const CAPACITANCE = 1e-28

/**
 * The least energy with which a consumption can be done in the time that it has: the second stage.
 * The discrete plan runs at full rate; at the same workload a slower one that fills the window
 * costs less, and the shorter the window, the less there is to gain.
 */
export function consumptionJoules(
  stage: DecisionStage,
  edge: GraphEdge,
  { radio, slotSeconds }: ScenarioOptions,
): number {
  const pair = edge.device * stage.modelCount + edge.model
  const { nextPool } = stage.inputs.devices[edge.device] ?? {}
  const uplinkBits = linkRatesOf(stage.inputs, edge.device, edge.model)?.uplinkBitsPerBlock ?? 0
  // Rate = ε·b·log₂(1 + SNR), so that ε·b hertz at that SNR carry it.
  const efficiency = uplinkBits / (radio.blockHz * slotSeconds * radio.codingShare)
  const transmitWattsMax = 10 ** (radio.uplinkDbm / 10) / 1000
  const plan = leastEnergyPlan(
    {
      secondsMax: (stage.slotsEnd - (stage.computeFrom[pair] ?? 0)) * slotSeconds,
      flopsPerSecondMax: (nextPool?.flopsMax ?? 0) / (stage.slots - 1) / slotSeconds,
      flopsPerSample: edge.needs.flopsPerSample,
      capacitance: CAPACITANCE,
      uploadBits: edge.needs.uploadBits,
      bandwidthHz: radio.codingShare * radio.blocks * radio.blockHz,
      snrPerWatt: (2 ** efficiency - 1) / transmitWattsMax,
      transmitWattsMax,
      sensingJoulesPerSample: 0,
      joulesMax: Number.POSITIVE_INFINITY,
      samplesMax: edge.workload,
    },
    edge.workload,
  )
  return plan?.joules ?? Number.NaN
}
