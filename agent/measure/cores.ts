import { join } from 'node:path'
import { parseCpuList } from './cpu-list.ts'
import { readKernelNumber, readKernelText } from './kernel-file.ts'
import type { BoardRoots } from './probe.ts'

/** A core that this process may run on. */
export interface Core {
  readonly index: number
  /** Its name in the URP. */
  readonly unit: string
  /** Rate of the core relative to the fastest one at 1024 (Linux, sysfs-devices-system-cpu). */
  readonly capacity?: number
  readonly frequencyHz?: number
  readonly frequencyHzMax?: number
}

/** Cores that are online and in this process's affinity mask, in order of their index. */
export async function readCores({ procRoot, sysRoot }: BoardRoots): Promise<Core[]> {
  const stat = (await readKernelText(join(procRoot, 'stat'))) ?? ''
  const online = [...stat.matchAll(/^cpu(\d+) /gm)].map(([, index]) => Number(index))
  const status = (await readKernelText(join(procRoot, 'self/status'))) ?? ''
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1]
  const allowed = list === undefined ? undefined : new Set(parseCpuList(list))
  const indices = online.filter(index => allowed?.has(index) ?? true)
  return Promise.all(indices.map(index => readCore(index, sysRoot)))
}

async function readCore(index: number, sysRoot: string): Promise<Core> {
  const folder = join(sysRoot, 'devices/system/cpu', `cpu${index}`)
  const [capacity, kilohertz, hardwareMax, policyMax] = await Promise.all([
    readKernelNumber(join(folder, 'cpu_capacity')),
    readKernelNumber(join(folder, 'cpufreq/scaling_cur_freq')),
    readKernelNumber(join(folder, 'cpufreq/cpuinfo_max_freq')),
    readKernelNumber(join(folder, 'cpufreq/scaling_max_freq')),
  ])
  const kilohertzMax = hardwareMax ?? policyMax
  return {
    index,
    unit: `cpu${index}`,
    ...(capacity ? { capacity } : {}),
    ...(kilohertz ? { frequencyHz: kilohertz * 1000 } : {}),
    ...(kilohertzMax ? { frequencyHzMax: kilohertzMax * 1000 } : {}),
  }
}

/**
 * Cores of one kind measure alike and are measured once: grouped by capacity where the kernel knows
 * it (big.LITTLE), else by their highest frequency. Servers rank cores by a few percent of turbo
 * frequency; that is not another kind of core.
 */
export function coreClasses(cores: readonly Core[]): Core[][] {
  const ALIKE = 0.95
  const rank = ({ capacity, frequencyHzMax }: Core): number => capacity ?? frequencyHzMax ?? 0
  const classes: Core[][] = []
  for (const core of [...cores].sort((a, b) => rank(b) - rank(a) || a.index - b.index)) {
    const current = classes.at(-1)
    const first = current?.[0]
    if (current && first && rank(core) >= ALIKE * rank(first)) current.push(core)
    else classes.push([core])
  }
  return classes
}
