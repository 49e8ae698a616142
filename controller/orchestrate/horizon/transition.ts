import type { DecisionStage } from '../decision-stage.ts'
import { learningShare } from '../gai-gain.ts'
import {
  copyStretch,
  type Stretch,
  samplesSensed,
  takeBackward,
  takeForward,
} from '../slot-kernels.ts'
import { CONTROL_SLOTS } from '../slot-pool.ts'

/** No model: the device idles. */
export const IDLE = -1

/**
 * D* = min(G, C), 0 where the pair has no edge. Of a device whose records do not support what it
 * claims, the part that they support, and at least one sample: how else would it show better ones.
 */
export function workloadOf(stage: DecisionStage, pair: number, sensed: number): number {
  if (stage.fault[pair] !== 0) return 0
  const claimed = Math.min(sensed, stage.capacity[pair] ?? 0)
  if (stage.credibility === undefined || claimed < 1) return claimed
  const credible = stage.credibility[Math.floor(pair / stage.modelCount)] ?? 1
  return Math.max(1, Math.floor(claimed * credible))
}

/** g = A·χ·φ(D) */
export function gainOf(stage: DecisionStage, pair: number, workload: number): number {
  const curve = stage.curves[pair % stage.modelCount]
  return curve ? (stage.factor[pair] ?? 0) * curve.share(workload) : 0
}

/** The gain once the model has absorbed `matched` samples more. */
export function gainAfter(
  stage: DecisionStage,
  pair: number,
  workload: number,
  matched: number,
): number {
  const curve = stage.curves[pair % stage.modelCount]
  if (curve === undefined) return 0
  const { exponent } = curve
  const effectiveSamples = curve.effectiveSamples + matched
  return (stage.factor[pair] ?? 0) * learningShare({ workload, effectiveSamples, exponent })
}

/** G(ρ_r, m) of one device for each set of kinds, written from `offset` on. */
export function senseAll(
  stage: DecisionStage,
  device: number,
  pool: Stretch,
  into: { readonly sensed: Float64Array; readonly offset?: number },
): void {
  const sets = stage.kindSets.length
  const offset = into.offset ?? 0
  for (let set = 0; set < sets; set++) {
    const sensing = stage.sensing[device * sets + set]
    into.sensed[offset + set] = sensing
      ? samplesSensed(pool, pool.offset, stage.slots, sensing.classes)
      : 0
  }
}

/** Whether what is left of a device's pool changes what it can sense. */
export function dependsOnPool(stage: DecisionStage, device: number): boolean {
  // A serial round leaves all of the next pool.
  if (stage.sensingEnd !== undefined) return false
  const from = device * stage.kindSets.length
  for (let set = from; set < from + stage.kindSets.length; set++) {
    for (const one of stage.sensing[set]?.classes ?? []) {
      if (one.blocksPerSnapshot > 0 || one.flopsPerSample > 0) return true
    }
  }
  return false
}

/**
 * The transition: ρ_{r+1} = URP_{r+1} where the device idles or has no sample, else URP_{r+1} ⊖ the
 * canonical cells of D samples: download from the earliest blocks, computing from the earliest
 * cycles at or after k1, upload from the latest blocks.
 */
export function poolAfter(
  stage: DecisionStage,
  device: number,
  choice: { readonly model: number; readonly workload: number },
  residual: Stretch,
): void {
  const { slots, fresh } = stage
  const from = device * slots
  copyStretch(fresh, from, slots, residual)
  if (choice.model === IDLE || choice.workload === 0) return
  // A serial round ends with its CR and takes nothing from the next.
  if (stage.sensingEnd !== undefined) return
  const pair = device * stage.modelCount + choice.model
  const end = residual.offset + stage.slotsEnd
  const first = residual.offset + CONTROL_SLOTS
  takeForward(residual.blocks, first, end, stage.downloadBlocks[pair] ?? 0)
  const computeFrom = residual.offset + (stage.computeFrom[pair] ?? 0)
  const flopCount = choice.workload * (stage.flopsPerSample[pair] ?? 0)
  takeForward(residual.flops, computeFrom, end, flopCount)
  takeBackward(residual.blocks, first, end, stage.uploadBlocks[pair] ?? 0)
}
