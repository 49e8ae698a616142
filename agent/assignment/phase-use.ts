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
  const slotsUsed = Math.max(0, endedAtMs - startedAtMs) / gate.slotMs
  return {
    slots: { used: rounded(slotsUsed, 3), granted: to - from },
    ...(pace ? { bytes: { used: pace.usedBytes, granted: Math.round(pace.grantedBytes) } } : {}),
    ...(cpuSeconds
      ? {
          cpuSeconds: {
            used: rounded(cpuSeconds.used, 6),
            granted: rounded(cpuSeconds.granted, 6),
          },
        }
      : {}),
    ...(memoryBytes ? { memoryBytes } : {}),
    ...(o.loadCpuSeconds === undefined ? {} : { loadCpuSeconds: rounded(o.loadCpuSeconds, 6) }),
    ...(overrunMs > 0 ? { overrunMs: rounded(overrunMs, 3) } : {}),
    ...(pace && pace.bytesBeyond > 0 ? { overrunBytes: pace.bytesBeyond } : {}),
  }
}

/** A round record has hundreds of these figures. */
function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
