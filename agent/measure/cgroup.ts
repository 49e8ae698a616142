import { join } from 'node:path'
import { readKernelNumber, readKernelText } from './kernel-file.ts'
import type { BoardRoots } from './probe.ts'

/** What the control groups around this process leave it; a part without a limit is left out. */
export interface CgroupLimits {
  readonly memoryBytesMax?: number
  /** Used now, without file pages that the kernel can drop. */
  readonly memoryBytesUsed?: number
  /** CPU quota over period, in cores. */
  readonly coresMax?: number
}

/** v1 says "no limit" with a number near 2^63, rounded down to a page. */
const NO_LIMIT_BYTES = 2 ** 60

/**
 * Limits of cgroup v2 (kernel, admin-guide/cgroup-v2) or v1. The groups above count too, so each is
 * read up to the root; in a container the group's own path may not be visible and only the root is.
 */
export async function readCgroupLimits({ procRoot, sysRoot }: BoardRoots): Promise<CgroupLimits> {
  const groups = parseGroups((await readKernelText(join(procRoot, 'self/cgroup'))) ?? '')
  const mount = join(sysRoot, 'fs/cgroup')
  const unified = groups.get('')
  const memoryV1 = groups.get('memory')
  const cpuV1 = groups.get('cpu')
  const memory =
    memoryV1 === undefined
      ? await memoryLimit(ancestors(mount, unified), MEMORY_V2)
      : await memoryLimit(ancestors(join(mount, 'memory'), memoryV1), MEMORY_V1)
  const quotas =
    cpuV1 === undefined
      ? await Promise.all(ancestors(mount, unified).map(quotaV2))
      : await Promise.all(ancestors(join(mount, 'cpu'), cpuV1).map(quotaV1))
  const cores = quotas.filter(quota => quota !== undefined)
  return { ...memory, ...(cores.length > 0 ? { coresMax: Math.min(...cores) } : {}) }
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

function ancestors(mount: string, path: string | undefined): string[] {
  const names = (path ?? '').split('/').filter(name => name !== '' && name !== '..')
  return Array.from({ length: names.length + 1 }, (_, drop) =>
    join(mount, ...names.slice(0, names.length - drop)),
  )
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

/** The tightest of the groups. */
async function memoryLimit(
  folders: readonly string[],
  files: MemoryFiles,
): Promise<Pick<CgroupLimits, 'memoryBytesMax' | 'memoryBytesUsed'>> {
  let tightest: { memoryBytesMax: number; folder: string } | undefined
  for (const folder of folders) {
    const limit = await readKernelNumber(join(folder, files.limit))
    if (limit === undefined || limit >= NO_LIMIT_BYTES) continue
    if (!tightest || limit < tightest.memoryBytesMax) tightest = { memoryBytesMax: limit, folder }
  }
  if (!tightest) return {}
  const used = await readKernelNumber(join(tightest.folder, files.used))
  const stat = (await readKernelText(join(tightest.folder, 'memory.stat'))) ?? ''
  const droppable = Number(files.droppable.exec(stat)?.[1] ?? 0)
  return {
    memoryBytesMax: tightest.memoryBytesMax,
    ...(used === undefined ? {} : { memoryBytesUsed: Math.max(0, used - droppable) }),
  }
}

async function quotaV2(folder: string): Promise<number | undefined> {
  const text = await readKernelText(join(folder, 'cpu.max'))
  return quotient(...(text ?? '').split(' ').map(Number))
}

async function quotaV1(folder: string): Promise<number | undefined> {
  const quota = await readKernelNumber(join(folder, 'cpu.cfs_quota_us'))
  return quotient(quota, await readKernelNumber(join(folder, 'cpu.cfs_period_us')))
}

function quotient(quota?: number, period?: number): number | undefined {
  return quota !== undefined && quota > 0 && period !== undefined && period > 0
    ? quota / period
    : undefined
}
