import { readFileSync } from 'node:fs'

/** What /proc says of one process (proc(5)). */
export interface ProcessUsage {
  /** User and system time since its start. */
  readonly cpuSeconds: number
  readonly rssMib: number
  /** The most that it ever was. */
  readonly rssMibMax: number
  readonly children: number
}

/** USER_HZ: 100 on every architecture that Linux runs on today. */
const TICKS_PER_SECOND = 100

export function readProcessUsage(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The command's name stands in brackets and may hold anything: the fields begin after the last.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // Fields 14 and 15 of the whole line, of which two are cut off.
  const ticks = Number(fields[11]) + Number(fields[12])
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kib = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1])
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return {
    cpuSeconds: ticks / TICKS_PER_SECOND,
    rssMib: kib('VmRSS') / 1024,
    rssMibMax: kib('VmHWM') / 1024,
    children: children === '' ? 0 : children.split(' ').length,
  }
}
