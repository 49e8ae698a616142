import { readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { readKernelTextNow } from '../measure/kernel-file.ts'

/** Clock ticks a second in /proc (proc_pid_stat(5)): USER_HZ, 100 on every board we run on. */
const MICROSECONDS_PER_TICK = 10_000

/**
 * CPU time of this process, of its children that live, and of those that have ended: what training
 * itself takes of the quota of the control group. Children are not seen where the kernel was built
 * without CONFIG_PROC_CHILDREN; what they use counts as load then, and less is offered.
 */
export function ownCpuMicroseconds(procRoot: string): number {
  const self = join(procRoot, 'self')
  const children = readKernelTextNow(join(self, 'task', pidOf(self), 'children')) ?? ''
  const pids = children.split(' ').filter(pid => /^\d+$/.test(pid))
  const ticks = pids
    .map(pid => ticksOf(join(procRoot, pid), { withEnded: false }))
    .reduce((sum, each) => sum + each, ticksOf(self, { withEnded: true }))
  return ticks * MICROSECONDS_PER_TICK
}

/** CPU seconds of a process so far; 0 of one that has ended. */
export function cpuSecondsOf(procRoot: string, pid: number): number {
  const ticks = ticksOf(join(procRoot, `${pid}`), { withEnded: false })
  return (ticks * MICROSECONDS_PER_TICK) / 1e6
}

/** The number of this process as that /proc counts, which in a container may not be our own. */
function pidOf(self: string): string {
  try {
    return readlinkSync(self)
  } catch {
    return String(process.pid)
  }
}

/** Fields 14 to 17: utime, stime, cutime and cstime. The name in field 2 may hold anything. */
function ticksOf(folder: string, { withEnded }: { readonly withEnded: boolean }): number {
  const stat = readKernelTextNow(join(folder, 'stat')) ?? ''
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, withEnded ? 15 : 13).map(Number)
  return ticks.reduce((sum, each) => sum + (Number.isFinite(each) ? each : 0), 0)
}
