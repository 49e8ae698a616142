import { consumptionNeedsOf, type DecisionStage, linkRatesOf } from '../decision-stage.ts'
import type { GraphDevice } from '../graph-inputs.ts'
import { CONTROL_SLOTS, type SlotPool } from '../slot-pool.ts'

/** D_ref: samples by which latencies are compared, as the rules do not know the workload. */
const REFERENCE_SAMPLES = 50

/** Seconds of each phase at full grant. */
export interface PhaseSeconds {
  /** t_c = S^dl/R^dl + S^ul/R^ul */
  readonly communication: number
  /** t_p = c_m·E·D_ref/F_n */
  readonly computing: number
  /** t_s: D_ref over the rate at which samples arrive, infinite where nothing is in view. */
  readonly sensing: number
}

export function phaseSecondsOf(stage: DecisionStage, device: number, model: number): PhaseSeconds {
  const { nextPool } = stage.inputs.devices[device] as GraphDevice
  const needs = consumptionNeedsOf(stage.inputs, device, model)
  const rates = linkRatesOf(stage.inputs, device, model)
  const usableSlots = nextPool.slots - CONTROL_SLOTS
  const blocksPerSecond = nextPool.blocksMax / usableSlots / nextPool.slotSeconds
  const flopsPerSecond = nextPool.flopsMax / usableSlots / nextPool.slotSeconds
  const down = blocksPerSecond * (rates?.downlinkBitsPerBlock ?? 0)
  const up = blocksPerSecond * (rates?.uplinkBitsPerBlock ?? 0)
  return {
    communication: needs.downloadBits / down + needs.uploadBits / up,
    computing: (needs.flopsPerSample * REFERENCE_SAMPLES) / flopsPerSecond,
    sensing: REFERENCE_SAMPLES / samplesPerSecond(stage, device, model, nextPool),
  }
}

/** Σ q·snapshots over the classes of the model, with all blocks free. */
function samplesPerSecond(
  stage: DecisionStage,
  device: number,
  model: number,
  pool: SlotPool,
): number {
  const set = device * stage.kindSets.length + (stage.kindSetOf[model] ?? 0)
  const blocks = pool.blocksMax / (pool.slots - CONTROL_SLOTS)
  let perSlot = 0
  for (const one of stage.sensing[set]?.classes ?? []) {
    const affordable =
      one.blocksPerSnapshot > 0
        ? Math.floor(blocks / one.blocksPerSnapshot)
        : Number.POSITIVE_INFINITY
    perSlot += one.samplesPerSnapshot * Math.min(one.snapshotsPerSlotMax, affordable)
  }
  return perSlot / pool.slotSeconds
}
