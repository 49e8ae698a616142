import { cpus } from 'node:os'

/** Opens a look at the whole machine; called again, cores that were busy on average since then. */
export function watchMachine(): () => number {
  const [busyBefore, startedAt] = [busySeconds(), performance.now()]
  return () => (busySeconds() - busyBefore) / ((performance.now() - startedAt) / 1e3)
}

function busySeconds(): number {
  const times = cpus().map(({ times }) => times.user + times.nice + times.sys + times.irq)
  return times.reduce((sum, each) => sum + each, 0) / 1e3
}
