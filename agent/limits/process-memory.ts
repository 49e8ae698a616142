import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readKernelTextNow } from '../measure/kernel-file.ts'

/** Of one process, in bytes (proc_pid_status(5)); undefined where it is gone. */
export interface ProcessMemory {
  /** Resident set. */
  readonly rssBytes: number
  /** The most it was since the process began or resetPeak() was called. */
  readonly rssBytesMax: number
}

export function readProcessMemory(procRoot: string, pid: number): ProcessMemory | undefined {
  const status = readKernelTextNow(join(procRoot, String(pid), 'status')) ?? ''
  const bytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024
  const [rssBytes, rssBytesMax] = [bytes('VmRSS'), bytes('VmHWM')]
  return Number.isNaN(rssBytes) || Number.isNaN(rssBytesMax) ? undefined : { rssBytes, rssBytesMax }
}

/** proc_pid_clear_refs(5): 5 makes the present resident set the greatest. Where it may not, nothing. */
export function resetPeak(procRoot: string, pid: number): void {
  try {
    writeFileSync(join(procRoot, String(pid), 'clear_refs'), '5')
  } catch {
    // Then the peak is that of the process, which is the upper bound.
  }
}
