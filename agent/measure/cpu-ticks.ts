/** Ticks of one core since boot, as a trainer of raised niceness sees them. */
export interface CoreTicks {
  readonly free: number
  readonly all: number
}

/**
 * Lines `cpuN user nice system idle iowait irq softirq steal guest guest_nice` of /proc/stat
 * (proc_stat(5)). Free for training are
 * - idle and iowait: nothing ran on the core (a task that waits for a disk leaves it idle),
 * - nice: only raised-niceness work ran, which is our own training or shares with it.
 * Not free are user, system, irq, softirq, and steal: what the hypervisor gave to other guests was
 * not there to be had. guest and guest_nice are contained in user and nice.
 */
export function parseCoreTicks(stat: string): Map<string, CoreTicks> {
  const cores = new Map<string, CoreTicks>()
  for (const [, unit, fields] of stat.matchAll(/^(cpu\d+) ([\d ]+)$/gm)) {
    if (unit === undefined || fields === undefined) continue
    const ticks = fields.trim().split(' ').map(Number).slice(0, 8)
    const [, nice = 0, , idle = 0, iowait = 0] = ticks
    cores.set(unit, { free: idle + iowait + nice, all: ticks.reduce((a, b) => a + b, 0) })
  }
  return cores
}

/**
 * Free share of the time between two readings; NaN where no tick passed or the core was not there.
 * The counters may step back (iowait does, proc_stat(5)), so the share is held in [0, 1].
 */
export function freeShare(before: CoreTicks | undefined, after: CoreTicks | undefined): number {
  if (!before || !after || after.all <= before.all) return Number.NaN
  const share = (after.free - before.free) / (after.all - before.all)
  return Math.min(1, Math.max(0, share))
}
