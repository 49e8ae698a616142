import type { DecisionStage } from '../decision-stage.ts'
import { copyStretch, type Stretch, samplesSensed, subtractCanonical } from '../slot-kernels.ts'

/** No model: the device idles. */
export const IDLE = -1

/** D* = min(G, C), 0 where the pair has no edge. */
export function workloadOf(stage: DecisionStage, pair: number, sensed: number): number {
  if (stage.fault[pair] !== 0) return 0
  return Math.min(sensed, stage.capacity[pair] ?? 0)
}

/** g = A·χ·φ(D) */
export function gainOf(stage: DecisionStage, pair: number, workload: number): number {
  const curve = stage.curves[pair % stage.modelCount]
  return curve ? (stage.factor[pair] ?? 0) * curve.share(workload) : 0
}

/** G(ρ_r, m) of one device for each set of kinds, written from `offset` on. */
export function senseAll(
  stage: DecisionStage,
  device: number,
  pool: Stretch,
  into: { readonly sensed: Float64Array; readonly offset: number },
): void {
  const sets = stage.kindSets.length
  for (let set = 0; set < sets; set++) {
    const sensing = stage.sensing[device * sets + set]
    into.sensed[into.offset + set] = sensing
      ? samplesSensed(pool, pool.offset, stage.slots, sensing.classes)
      : 0
  }
}

/**
 * The transition (orchestration: state ρ, action model or idle): ρ_{r+1} = URP_{r+1} where the
 * device idles or has no sample, else URP_{r+1} ⊖ the canonical cells of D samples.
 */
export function poolAfter(
  stage: DecisionStage,
  device: number,
  choice: { readonly model: number; readonly workload: number },
  residual: Stretch,
): void {
  const { slots, slotsEnd, fresh } = stage
  const pool = { ...fresh, offset: device * slots }
  if (choice.model === IDLE || choice.workload === 0) {
    copyStretch(pool, slots, residual)
    return
  }
  const pair = device * stage.modelCount + choice.model
  const cells = {
    downloadBlocks: stage.downloadBlocks[pair] ?? 0,
    uploadBlocks: stage.uploadBlocks[pair] ?? 0,
    computeFrom: stage.computeFrom[pair] ?? 0,
    slotsEnd,
    flopCount: choice.workload * (stage.flopsPerSample[pair] ?? 0),
  }
  subtractCanonical(pool, slots, cells, residual)
}
