import { join } from 'node:path'
import { readCgroupLimits } from './cgroup.ts'
import { readKernelText } from './kernel-file.ts'
import type { Probe } from './probe.ts'
import { writtenBytes } from './written.ts'

export interface MemoryValues {
  readonly totalBytes: number
  readonly availableBytes: number
  /** True where a control group leaves less than the machine has. */
  readonly isLimited: boolean
}

/** Memory of the machine, or of the control group where that is less. */
export const memoryProbe: Probe<MemoryValues> = {
  name: 'memory',
  durationMsMax: 2000,
  async read(context) {
    const path = join(context.procRoot, 'meminfo')
    const meminfo = (await readKernelText(path)) ?? ''
    const total = kibibytes(meminfo, 'MemTotal')
    const available = kibibytes(meminfo, 'MemAvailable')
    if (total === undefined || available === undefined) {
      return { status: 'absent', reason: `no MemTotal and MemAvailable in ${path}` }
    }
    const { memoryBytesMax, memoryBytesUsed } = await readCgroupLimits(context)
    const isLimited = memoryBytesMax !== undefined && memoryBytesMax < total
    const values: MemoryValues = isLimited
      ? {
          totalBytes: memoryBytesMax,
          availableBytes: Math.max(0, Math.min(available, memoryBytesMax - (memoryBytesUsed ?? 0))),
          isLimited,
        }
      : { totalBytes: total, availableBytes: available, isLimited }
    return {
      status: 'ok',
      values,
      figures: [
        { name: 'total', ...writtenBytes(values.totalBytes) },
        { name: 'available', ...writtenBytes(values.availableBytes) },
      ],
      method: isLimited ? 'meminfo, cgroup limit' : 'meminfo',
    }
  },
}

function kibibytes(meminfo: string, key: string): number | undefined {
  const count = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(meminfo)?.[1]
  return count === undefined ? undefined : Number(count) * 1024
}
