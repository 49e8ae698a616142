import { readFileSync } from 'node:fs'

/** USER_HZ: 100 on every architecture that Linux runs on today. */
const MS_PER_TICK = 10

/** Of all cores together: the fourth figure of the first line of proc_stat(5). */
export function idleTicks(): number {
  return Number(readFileSync('/proc/stat', 'utf8').split(/\s+/)[4])
}

export function idleCoresSince(before: number, durationMs: number): number {
  return ((idleTicks() - before) * MS_PER_TICK) / durationMs
}
