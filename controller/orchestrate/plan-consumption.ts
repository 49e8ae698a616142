import type { SlotPool } from './slot-pool.ts'
import {
  type Allocation,
  arrangeConsumption,
  type ConsumptionNeeds,
  consumptionCapacity,
  trainingFlopsPerSample,
} from './workload.ts'

/** A GAI round that has sensed and waits for its consumption in this CR. */
export interface PendingGaiRound {
  readonly samplesSensed: number
  /** What the agent still has to fetch: 0 where it holds the current version. */
  readonly downloadBits: number
  readonly uploadBits: number
  readonly flopsPerSample: number
  readonly localEpochs: number
  readonly computeOverhead: number
}

export type ConsumptionPlan =
  | {
      readonly ok: true
      /** min(sensed, C) */
      readonly sampleCount: number
      readonly limitedBy: 'sensing' | 'consumption'
      readonly allocation: Allocation
      /** Bits that the granted upload blocks carry. */
      readonly uploadBitsMax: number
      readonly needs: ConsumptionNeeds
      readonly residual: SlotPool
    }
  | { readonly ok: false; readonly reason: string; readonly residual: SlotPool }

/**
 * Plans the consumption in CR r + 1 on the pool that the device really offers there; the workload
 * was promised on a forecast. What is left of the pool (⊖) is what sensing may use.
 */
export function planConsumption(pool: SlotPool, pending: PendingGaiRound): ConsumptionPlan {
  if (pending.samplesSensed === 0) return refusal(pool, 'no sample was sensed')
  const needs = {
    downloadBits: pending.downloadBits,
    uploadBits: pending.uploadBits,
    flopsPerSample: trainingFlopsPerSample(pending),
  }
  const consumption = consumptionCapacity(pool, needs)
  if (!consumption.ok) return refusal(pool, consumption.reason)
  const { capacity, window } = consumption
  const sampleCount = Math.min(pending.samplesSensed, capacity)
  const arranged = arrangeConsumption(pool, needs, sampleCount)
  if (!arranged.ok) return refusal(pool, arranged.reason)
  return {
    ok: true,
    sampleCount,
    limitedBy: pending.samplesSensed <= capacity ? 'sensing' : 'consumption',
    allocation: arranged.allocation,
    uploadBitsMax: Math.floor(window.uploadBlocks * pool.uplinkBitsPerBlock),
    needs,
    residual: arranged.residual,
  }
}

function refusal(pool: SlotPool, reason: string): ConsumptionPlan {
  return { ok: false, reason, residual: pool }
}
