import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { messageOf } from '../../runtime/errors.ts'

/** A control group of its own for one process, with a quota of CPU time. */
export interface CpuGroup {
  /** In hundredths of a core; without limit where left out, as at first. */
  limit(percent?: number): void
  /** Moves the process with all of its threads. */
  hold(pid: number): void
  /** The group must be empty, or about to be. */
  remove(): Promise<void>
}

export type CpuGroupResult =
  | { readonly ok: true; readonly group: CpuGroup }
  | { readonly ok: false; readonly reason: string }

const ROOT = '/sys/fs/cgroup'
const PERIOD_US = 100_000
const REMOVE_TRIES = 50

/**
 * Of cgroup v1 or v2, whichever has the cpu controller; or why there is none. It has the largest weight
 * that there is: what is to be seen is the quota, and not who else wants the core.
 */
export function openCpuGroup(name: string): CpuGroupResult {
  const isV1 = existsSync(join(ROOT, 'cpu/cpu.shares'))
  const folder = join(ROOT, isV1 ? 'cpu' : '', name)
  try {
    mkdirSync(folder)
  } catch (error) {
    return { ok: false, reason: messageOf(error) }
  }
  const group = groupIn(folder, isV1)
  try {
    group.limit()
    const [weight, most] = isV1 ? ['cpu.shares', 262_144] : ['cpu.weight', 10_000]
    writeFileSync(join(folder, weight), String(most))
    // Written, but not kept where the controller is not given to groups down there.
    readFileSync(join(folder, isV1 ? 'cpu.cfs_quota_us' : 'cpu.max'), 'utf8')
    return { ok: true, group }
  } catch (error) {
    rmdirSync(folder)
    return { ok: false, reason: messageOf(error) }
  }
}

function groupIn(folder: string, isV1: boolean): CpuGroup {
  return {
    limit: percent => {
      const quota = percent === undefined ? undefined : (percent * PERIOD_US) / 100
      if (isV1) {
        writeFileSync(join(folder, 'cpu.cfs_period_us'), String(PERIOD_US))
        writeFileSync(join(folder, 'cpu.cfs_quota_us'), String(quota ?? -1))
      } else writeFileSync(join(folder, 'cpu.max'), `${quota ?? 'max'} ${PERIOD_US}`)
    },
    hold: pid => writeFileSync(join(folder, 'cgroup.procs'), String(pid)),
    remove: async () => {
      // The kernel takes a moment to forget a process that has ended.
      for (let left = REMOVE_TRIES; ; left--) {
        try {
          rmdirSync(folder)
          return
        } catch (error) {
          if (left === 0) throw error
          await wait(20)
        }
      }
    },
  }
}
