import { buildDecisionStage, type DecisionStage } from '../orchestrate/decision-stage.ts'
import {
  downloadEnd,
  samplesSensed,
  sumOver,
  uploadStart,
  wholeSamples,
} from '../orchestrate/slot-kernels.ts'
import { CONTROL_SLOTS } from '../orchestrate/slot-pool.ts'
import { inputsOfRound, type Scenario } from './scenario.ts'

/**
 * The best that serial rounds can gain: without Zeros, sensing, download, computing and upload of a
 * GAI round follow each other inside one CR. For each device and round the best model and the best
 * slot to end sensing are taken; rounds do not touch each other, so that this is exact.
 */
export function bestSerialGain(scenario: Scenario): number {
  let gain = 0
  for (let round = 0; round < scenario.options.rounds; round++) {
    const inputs = inputsOfRound(scenario, round, { sensingCr: round, linkCr: round })
    const stage = buildDecisionStage(inputs)
    for (let device = 0; device < stage.deviceCount; device++) gain += bestOf(stage, device)
  }
  return gain
}

function bestOf(stage: DecisionStage, device: number): number {
  let best = 0
  for (let sensingEnd = CONTROL_SLOTS + 1; sensingEnd < stage.slotsEnd; sensingEnd++) {
    for (let model = 0; model < stage.modelCount; model++) {
      best = Math.max(best, serialGain(stage, { device, model, sensingEnd }))
    }
  }
  return best
}

/** Sensing in the slots before `sensingEnd`, consumption in those from it on. */
function serialGain(
  stage: DecisionStage,
  o: { readonly device: number; readonly model: number; readonly sensingEnd: number },
): number {
  const pair = o.device * stage.modelCount + o.model
  const set = o.device * stage.kindSets.length + (stage.kindSetOf[o.model] ?? 0)
  const sensing = stage.sensing[set]
  if (stage.fault[pair] !== 0 || !sensing) return 0
  const offset = o.device * stage.slots
  const span = { offset, from: o.sensingEnd, to: stage.slotsEnd }
  const from = downloadEnd(stage.fresh.blocks, span, stage.downloadBlocks[pair] ?? 0)
  const to = uploadStart(stage.fresh.blocks, span, stage.uploadBlocks[pair] ?? 0)
  if (from < 0 || to < 0 || from >= to) return 0
  const flops = sumOver(stage.fresh.flops, offset + from, offset + to)
  const capacity = wholeSamples(flops / (stage.flopsPerSample[pair] ?? Number.POSITIVE_INFINITY))
  const sensed = samplesSensed(stage.fresh, offset, o.sensingEnd, sensing.classes)
  const workload = Math.min(sensed, capacity)
  if (workload < 1) return 0
  return (stage.factor[pair] ?? 0) * (stage.curves[o.model]?.share(workload) ?? 0)
}
