import type { PhaseUse, SlotRange } from '../../protocol/assignment.ts'
import type { TransferPace } from '../limits/transfer-pace.ts'
import type { SlotGate } from './slot-gate.ts'

/** What one phase used of its grant, as the status of the assignment and the round record state it. */
export function phaseUse(
  o: {
    readonly gate: SlotGate
    readonly slots: SlotRange
    readonly startedAtMs: number
    readonly endedAtMs: number
    readonly pace?: TransferPace | undefined
  } & Pick<PhaseUse, 'cpuSeconds' | 'memoryBytes' | 'loadCpuSeconds'>,
): PhaseUse {
  const { gate, slots, startedAtMs, endedAtMs, pace, cpuSeconds, memoryBytes } = o
  const [from, to] = slots
  const overrunMs = endedAtMs - Math.max(startedAtMs, gate.timeOf(slots).endsAtMs)
  return {
    slots: { used: Math.max(0, endedAtMs - startedAtMs) / gate.slotMs, granted: to - from },
    ...(pace ? { bytes: { used: pace.usedBytes, granted: pace.grantedBytes } } : {}),
    ...(cpuSeconds ? { cpuSeconds } : {}),
    ...(memoryBytes ? { memoryBytes } : {}),
    ...(o.loadCpuSeconds === undefined ? {} : { loadCpuSeconds: o.loadCpuSeconds }),
    ...(overrunMs > 0 ? { overrunMs } : {}),
    ...(pace && pace.bytesBeyond > 0 ? { overrunBytes: pace.bytesBeyond } : {}),
  }
}
