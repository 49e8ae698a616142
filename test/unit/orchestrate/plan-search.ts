import type { SlotPool } from '../../../controller/orchestrate/slot-pool.ts'
import type { ConsumptionNeeds, SensingClass } from '../../../controller/orchestrate/workload.ts'

export type Phase = 'idle' | 'download' | 'compute' | 'upload'

/** Every way to give each usable slot one phase, in the order download, compute, upload. */
export function phasePlans(slots: number): Phase[][] {
  const order: readonly Phase[] = ['download', 'compute', 'upload']
  const extend = (plan: Phase[], reached: number): Phase[][] => {
    if (plan.length === slots) return [plan]
    const plans = extend([...plan, 'idle'], reached)
    for (const [rank, phase] of order.entries()) {
      if (rank >= reached) plans.push(...extend([...plan, phase], rank))
    }
    return plans
  }
  return extend(['idle'], 0)
}

/** Samples that a plan consumes, or null where its blocks do not carry the payloads. */
export function samplesOf(plan: Phase[], pool: SlotPool, needs: ConsumptionNeeds): number | null {
  const total = (values: Float64Array, phase: Phase) =>
    values.reduce((sum, value, slot) => sum + (plan[slot] === phase ? value : 0), 0)
  if (total(pool.blocks, 'download') * pool.downlinkBitsPerBlock < needs.downloadBits) return null
  if (total(pool.blocks, 'upload') * pool.uplinkBitsPerBlock < needs.uploadBits) return null
  return Math.floor(total(pool.flops, 'compute') / needs.flopsPerSample)
}

/**
 * Tries every split of every slot's computing, in whole FLOP, between two classes of passive
 * samples. Whole arrivals, costs and FLOP put the optimum of the fractional problem on whole FLOP.
 */
export function mostSensed(pool: SlotPool, [cheap, dear]: [SensingClass, SensingClass]): number {
  const most = (slot: number, cheapWork: number, dearWork: number): number => {
    if (slot === pool.slots) return 0
    const cheapWaiting = cheapWork + cheap.samplesPerSnapshot * cheap.flopsPerSample
    const dearWaiting = dearWork + dear.samplesPerSnapshot * dear.flopsPerSample
    const flops = pool.flops[slot] ?? 0
    let best = 0
    for (let one = 0; one <= Math.min(flops, cheapWaiting); one++) {
      for (let other = 0; other <= Math.min(flops - one, dearWaiting); other++) {
        const completed = one / cheap.flopsPerSample + other / dear.flopsPerSample
        best = Math.max(best, completed + most(slot + 1, cheapWaiting - one, dearWaiting - other))
      }
    }
    return best
  }
  return Math.floor(most(1, 0, 0) + 1e-9)
}
