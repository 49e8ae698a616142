import { join } from 'node:path'
import { kernelNumberOf, readKernelTextNow } from './kernel-file.ts'
import type { BoardRoots } from './probe.ts'

/** What the control groups around this process leave it; a part without a limit is left out. */
export interface CgroupLimits {
  readonly memoryBytesMax?: number
  /** Used now, without file pages that the kernel can drop. */
  readonly memoryBytesUsed?: number
  /** CPU quota over period, in cores. */
  readonly coresMax?: number
}

/** The group with the tightest CPU quota. */
export interface CpuGroup {
  readonly coresMax: number
  /** CPU time of all its processes so far; undefined where the kernel does not count it. */
  usedMicroseconds(): number | undefined
}

/** The group with the tightest memory limit. */
export interface MemoryGroup {
  readonly bytesMax: number
  /** Without file pages that the kernel can drop; undefined where it does not count. */
  usedBytes(): number | undefined
  /** Microseconds in which one of its tasks waited for memory; cgroup v2 with PSI only. */
  stalledText(): string | undefined
}

/** v1 says "no limit" with a number near 2^63, rounded down to a page. */
const NO_LIMIT_BYTES = 2 ** 60

/**
 * Limits of cgroup v2 (kernel, admin-guide/cgroup-v2) or v1. The groups above count too, so each is
 * read up to the root; in a container the group's own path may not be visible and only the root is.
 */
export async function readCgroupLimits(roots: BoardRoots): Promise<CgroupLimits> {
  const memory = memoryGroupOf(roots)
  const cpu = cpuGroupOf(roots)
  const used = memory?.usedBytes()
  return {
    ...(memory ? { memoryBytesMax: memory.bytesMax } : {}),
    ...(used === undefined ? {} : { memoryBytesUsed: used }),
    ...(cpu ? { coresMax: cpu.coresMax } : {}),
  }
}

export function cpuGroupOf(roots: BoardRoots): CpuGroup | undefined {
  const { groups, mount } = groupPathsOf(roots)
  const path = groups.get('cpu')
  const found =
    path === undefined
      ? foldersUp(groups.get('')).map(folder => quotaV2(join(mount, folder)))
      : foldersUp(path).map(folder => quotaV1(mount, folder))
  return tightest(found, ({ coresMax }) => coresMax)
}

export function memoryGroupOf(roots: BoardRoots): MemoryGroup | undefined {
  const { groups, mount } = groupPathsOf(roots)
  const path = groups.get('memory')
  const found =
    path === undefined
      ? foldersUp(groups.get('')).map(folder => memoryGroup(join(mount, folder), MEMORY_V2))
      : foldersUp(path).map(folder => memoryGroup(join(mount, 'memory', folder), MEMORY_V1))
  return tightest(found, ({ bytesMax }) => bytesMax)
}

/** Paths of this process by controller ('' in the unified hierarchy), and where the trees are. */
export function groupPathsOf({ procRoot, sysRoot }: BoardRoots): {
  readonly groups: ReadonlyMap<string, string>
  readonly mount: string
} {
  const text = readKernelTextNow(join(procRoot, 'self/cgroup')) ?? ''
  return { groups: parseGroups(text), mount: join(sysRoot, 'fs/cgroup') }
}

/** Lines `id:controllers:path` of /proc/self/cgroup; the unified hierarchy has no controllers. */
function parseGroups(text: string): Map<string, string> {
  const groups = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (controllers === undefined || path === undefined) continue
    for (const controller of controllers.split(',')) groups.set(controller, path)
  }
  return groups
}

/** `a/b`, `a` and the root for the path /a/b. */
function foldersUp(path: string | undefined): string[] {
  const names = (path ?? '').split('/').filter(name => name !== '' && name !== '..')
  return Array.from({ length: names.length + 1 }, (_, drop) =>
    names.slice(0, names.length - drop).join('/'),
  )
}

function tightest<Group>(
  groups: readonly (Group | undefined)[],
  limitOf: (group: Group) => number,
): Group | undefined {
  const [first, ...others] = groups.filter(group => group !== undefined)
  if (first === undefined) return undefined
  return others.reduce((least, each) => (limitOf(each) < limitOf(least) ? each : least), first)
}

interface MemoryFiles {
  readonly limit: string
  readonly used: string
  readonly droppable: RegExp
}

const MEMORY_V2: MemoryFiles = {
  limit: 'memory.max',
  used: 'memory.current',
  droppable: /^inactive_file (\d+)$/m,
}
const MEMORY_V1: MemoryFiles = {
  limit: 'memory.limit_in_bytes',
  used: 'memory.usage_in_bytes',
  droppable: /^total_inactive_file (\d+)$/m,
}

function memoryGroup(folder: string, files: MemoryFiles): MemoryGroup | undefined {
  const bytesMax = numberIn(join(folder, files.limit))
  // A limit of 0 holds no process, thus not this one.
  if (bytesMax === undefined || bytesMax <= 0 || bytesMax >= NO_LIMIT_BYTES) return undefined
  return {
    bytesMax,
    usedBytes: () => {
      const used = numberIn(join(folder, files.used))
      if (used === undefined || used < 0) return undefined
      const stat = readKernelTextNow(join(folder, 'memory.stat')) ?? ''
      return Math.max(0, used - Number(files.droppable.exec(stat)?.[1] ?? 0))
    },
    stalledText: () => readKernelTextNow(join(folder, 'memory.pressure')),
  }
}

/** `cpu.max` is quota and period in µs, or `max` and period. */
function quotaV2(folder: string): CpuGroup | undefined {
  const [quota, period] = (readKernelTextNow(join(folder, 'cpu.max')) ?? '').split(' ')
  return cpuGroup(kernelNumberOf(quota), kernelNumberOf(period), () => {
    const stat = readKernelTextNow(join(folder, 'cpu.stat')) ?? ''
    return kernelNumberOf(/^usage_usec (\d+)$/m.exec(stat)?.[1])
  })
}

/** The time is counted by another controller than the one that limits it, in nanoseconds. */
function quotaV1(mount: string, folder: string): CpuGroup | undefined {
  const quota = numberIn(join(mount, 'cpu', folder, 'cpu.cfs_quota_us'))
  const period = numberIn(join(mount, 'cpu', folder, 'cpu.cfs_period_us'))
  return cpuGroup(quota, period, () => {
    const nanoseconds = numberIn(join(mount, 'cpuacct', folder, 'cpuacct.usage'))
    return nanoseconds === undefined ? undefined : nanoseconds / 1000
  })
}

function cpuGroup(
  quota: number | undefined,
  period: number | undefined,
  usedMicroseconds: CpuGroup['usedMicroseconds'],
): CpuGroup | undefined {
  return quota !== undefined && quota > 0 && period !== undefined && period > 0
    ? { coresMax: quota / period, usedMicroseconds }
    : undefined
}

function numberIn(path: string): number | undefined {
  return kernelNumberOf(readKernelTextNow(path))
}
