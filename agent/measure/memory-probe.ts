import { join } from 'node:path'
import { readCgroupLimits } from './cgroup.ts'
import { readKernelText, whyUnread } from './kernel-file.ts'
import { parseMeminfo } from './meminfo.ts'
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
    const text = await readKernelText(path)
    if (text === undefined) return { status: 'absent', reason: await whyUnread(path) }
    const machine = parseMeminfo(text)
    if (!machine) return { status: 'absent', reason: `no MemTotal and MemAvailable in ${path}` }
    const { totalBytes: total, availableBytes: available } = machine
    const { memoryBytesMax, memoryBytesUsed } = await readCgroupLimits(context)
    const isLimited = memoryBytesMax !== undefined && memoryBytesMax < total
    if (isLimited && memoryBytesUsed === undefined) {
      return { status: 'absent', reason: 'the control group does not tell what it has used' }
    }
    const left = (memoryBytesMax ?? total) - (memoryBytesUsed ?? 0)
    const values: MemoryValues = isLimited
      ? {
          totalBytes: memoryBytesMax,
          availableBytes: Math.max(0, Math.min(available, left)),
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
