import { cpuGroupOf } from '../measure/cgroup.ts'
import type { BoardRoots } from '../measure/probe.ts'
import { ownCpuMicroseconds } from './own-cpu-time.ts'

/** What the tightest CPU quota around this process had been used for at one moment. */
export interface GroupUse {
  readonly coresMax: number
  /** By all processes of the group. */
  readonly usedMicroseconds: number
  /** By this process and its children. */
  readonly ownMicroseconds: number
}

/** Undefined where there is no quota, or where the kernel does not count what is used of it. */
export function readGroupUse(roots: BoardRoots): GroupUse | undefined {
  const group = cpuGroupOf(roots)
  const usedMicroseconds = group?.usedMicroseconds()
  if (!group || usedMicroseconds === undefined) return undefined
  const ownMicroseconds = ownCpuMicroseconds(roots.procRoot)
  return { coresMax: group.coresMax, usedMicroseconds, ownMicroseconds }
}

/**
 * Cores that the quota leaves to training: quota - (used by the group - used by ourselves) / time.
 * The ticks of /proc/stat do not show it: a group that has used up its quota sleeps on idle cores.
 * NaN where either moment is not known.
 */
export function groupFreeCores(
  before: GroupUse | undefined,
  after: GroupUse | undefined,
  durationMs: number,
): number {
  if (!before || !after || !(durationMs > 0)) return Number.NaN
  const used = after.usedMicroseconds - before.usedMicroseconds
  const own = after.ownMicroseconds - before.ownMicroseconds
  // A counter that stepped back is of another group: this process was moved.
  if (used < 0 || own < 0) return Number.NaN
  const others = Math.max(0, used - own) / (durationMs * 1000)
  return Math.max(0, after.coresMax - others)
}
