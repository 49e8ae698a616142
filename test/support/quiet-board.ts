import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Clock ticks a second in /proc/stat (proc_stat(5)). */
const TICKS_PER_SECOND = 100
/** Some readings in each slot of a short round. */
const REFRESH_MS = 40

/**
 * A /proc of a board with one core and a link on which nobody else does anything, so that what a
 * fleet offers does not depend on what else the machine of the test is doing. Ends with the test.
 */
export function quietProcRoot(folder: string): string {
  mkdirSync(join(folder, 'net'), { recursive: true })
  mkdirSync(join(folder, 'self'), { recursive: true })
  writeFileSync(join(folder, 'net', 'dev'), `    lo: ${Array(16).fill(0).join(' ')}\n`)
  writeFileSync(join(folder, 'self', 'status'), 'Cpus_allowed_list:\t0\n')
  writeFileSync(join(folder, 'meminfo'), 'MemTotal: 4000000 kB\nMemAvailable: 3000000 kB\n')
  writeFileSync(join(folder, 'loadavg'), '0.00 0.00 0.00 1/100 1\n')
  const startedAt = performance.now()
  const refresh = (): void => {
    const idle = Math.floor(((performance.now() - startedAt) / 1000) * TICKS_PER_SECOND)
    const ticks = `0 0 0 ${idle} 0 0 0 0 0 0`
    writeFileSync(join(folder, 'stat.next'), `cpu  ${ticks}\ncpu0 ${ticks}\n`)
    renameSync(join(folder, 'stat.next'), join(folder, 'stat'))
  }
  refresh()
  const timer = setInterval(refresh, REFRESH_MS)
  onTestFinished(() => clearInterval(timer))
  return folder
}
