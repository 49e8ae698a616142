import { join } from 'node:path'
import { parseCpuList } from './cpu-list.ts'
import { FIGURES, type FigureKind, readFigure } from './kernel-figure.ts'
import { readKernelText } from './kernel-file.ts'
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
export async function readCores(
  { procRoot, sysRoot }: BoardRoots,
  discarded: string[] = [],
): Promise<Core[]> {
  const stat = (await readKernelText(join(procRoot, 'stat'))) ?? ''
  const online = [...stat.matchAll(/^cpu(\d+) /gm)].map(([, index]) => Number(index))
  const status = (await readKernelText(join(procRoot, 'self/status'))) ?? ''
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1]
  const allowed = list === undefined ? undefined : new Set(parseCpuList(list))
  const indices = online.filter(index => allowed?.has(index) ?? true)
  return Promise.all(indices.map(index => readCore(index, { sysRoot }, discarded)))
}

/** What the kernel tells of one core. */
export async function readCore(
  index: number,
  { sysRoot }: Pick<BoardRoots, 'sysRoot'>,
  discarded: string[] = [],
): Promise<Core> {
  const read = (name: string, kind: FigureKind): Promise<number | undefined> =>
    readFigure({
      root: sysRoot,
      path: `devices/system/cpu/cpu${index}/${name}`,
      kind,
      discarded,
    })
  const [capacity, frequencyHz, hardwareMax, policyMax] = await Promise.all([
    read('cpu_capacity', FIGURES.capacity),
    read('cpufreq/scaling_cur_freq', FIGURES.kilohertz),
    read('cpufreq/cpuinfo_max_freq', FIGURES.kilohertz),
    read('cpufreq/scaling_max_freq', FIGURES.kilohertz),
  ])
  const frequencyHzMax = hardwareMax ?? policyMax
  return {
    index,
    unit: `cpu${index}`,
    ...(capacity === undefined ? {} : { capacity }),
    ...(frequencyHz === undefined ? {} : { frequencyHz }),
    ...(frequencyHzMax === undefined ? {} : { frequencyHzMax }),
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
