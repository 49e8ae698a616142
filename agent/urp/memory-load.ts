import { join } from 'node:path'
import { memoryGroupOf } from '../measure/cgroup.ts'
import { readKernelTextNow } from '../measure/kernel-file.ts'
import { parseMeminfo } from '../measure/meminfo.ts'
import { stalledMicroseconds } from '../measure/pressure-probe.ts'
import type { BoardRoots } from '../measure/probe.ts'

/** Memory at one moment: of the machine, or of the control group where that leaves less. */
export interface MemoryLevel {
  readonly totalBytes: number
  readonly availableBytes: number
  /** Time that some task has waited for memory; undefined without pressure stall information. */
  readonly stalledMicroseconds?: number | undefined
}

/** Undefined where the kernel does not tell, or where a group does not tell what it has used. */
export function readMemoryLevel(roots: BoardRoots): MemoryLevel | undefined {
  const machine = parseMeminfo(readKernelTextNow(join(roots.procRoot, 'meminfo')) ?? '')
  if (!machine) return undefined
  const pressure = readKernelTextNow(join(roots.procRoot, 'pressure/memory'))
  const group = memoryGroupOf(roots)
  if (!group || group.bytesMax >= machine.totalBytes) {
    return { ...machine, stalledMicroseconds: stalledMicroseconds(pressure ?? '') }
  }
  const used = group.usedBytes()
  if (used === undefined) return undefined
  return {
    totalBytes: group.bytesMax,
    availableBytes: Math.max(0, Math.min(machine.availableBytes, group.bytesMax - used)),
    stalledMicroseconds: stalledMicroseconds(group.stalledText() ?? pressure ?? ''),
  }
}

/**
 * Share of the memory that was free all through a slot: the lower of its two ends, times the share
 * of the time in which no task waited for memory. MemAvailable is an estimate that counts pages which
 * are in use as ones that can be dropped (kernel, filesystems/proc); that tasks wait shows by how
 * much it is wrong. NaN where an end is not known.
 */
export function memoryFreeShare(
  before: MemoryLevel | undefined,
  after: MemoryLevel | undefined,
  durationMs: number,
): number {
  if (!before || !after || !(durationMs > 0)) return Number.NaN
  const level = Math.min(
    before.availableBytes / before.totalBytes,
    after.availableBytes / after.totalBytes,
  )
  return level * (1 - stalledShare(before, after, durationMs))
}

function stalledShare(before: MemoryLevel, after: MemoryLevel, durationMs: number): number {
  if (before.stalledMicroseconds === undefined || after.stalledMicroseconds === undefined) return 0
  const stalled = after.stalledMicroseconds - before.stalledMicroseconds
  return Math.min(1, Math.max(0, stalled / (durationMs * 1000)))
}
