import { join } from 'node:path'
import { readKernelText, whyUnread } from './kernel-file.ts'
import type { Figure, Probe } from './probe.ts'
import { writtenShare } from './written.ts'

/** Shares of the last ten seconds (kernel, accounting/psi). */
export interface Pressure {
  /** Some task waited. */
  readonly someShare: number
  /** All tasks that were not idle waited at the same time; old kernels have none for the cores. */
  readonly fullShare?: number
}

export interface PressureValues {
  readonly cpu?: Pressure
  readonly memory?: Pressure
  readonly io?: Pressure
}

const RESOURCES = ['cpu', 'memory', 'io'] as const

/** How much the work on this board waits for cores, memory and disks. */
export const pressureProbe: Probe<PressureValues> = {
  name: 'pressure',
  durationMsMax: 2000,
  async read({ procRoot }) {
    const pressures = await Promise.all(
      RESOURCES.map(async resource => {
        const text = await readKernelText(join(procRoot, 'pressure', resource))
        const pressure = parsePressure(text ?? '')
        return pressure ? [[resource, pressure] as const] : []
      }),
    )
    const known = pressures.flat()
    if (known.length === 0) {
      // Also where the kernel has it and was started without psi=1: reading says EOPNOTSUPP.
      return { status: 'absent', reason: await whyUnread(join(procRoot, 'pressure/cpu')) }
    }
    return {
      status: 'ok',
      values: Object.fromEntries(known),
      figures: known.flatMap(([resource, pressure]) => figuresOf(resource, pressure)),
      method: 'pressure over 10 s',
    }
  },
}

/** Lines `some avg10=0.12 avg60=… avg300=… total=…`, percent and microseconds. */
function parsePressure(text: string): Pressure | undefined {
  const someShare = averageOf(text, 'some')
  const fullShare = averageOf(text, 'full')
  if (someShare === undefined) return undefined
  return { someShare, ...(fullShare === undefined ? {} : { fullShare }) }
}

function averageOf(text: string, line: 'some' | 'full'): number | undefined {
  const percent = new RegExp(`^${line} avg10=(\\d+(?:\\.\\d+)?) `, 'm').exec(text)?.[1]
  if (percent === undefined || Number(percent) > 100) return undefined
  // Two decimals of a percent, as the kernel writes them.
  return Math.round(Number(percent) * 100) / 10_000
}

/** Microseconds in which some task waited, since boot; undefined where the text does not tell. */
export function stalledMicroseconds(text: string): number | undefined {
  const total = /^some .*\btotal=(\d+)$/m.exec(text)?.[1]
  return total === undefined ? undefined : Number(total)
}

function figuresOf(resource: string, { someShare }: Pressure): Figure[] {
  return [{ name: `some task waited, ${resource}`, ...writtenShare(someShare) }]
}
