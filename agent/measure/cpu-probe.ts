import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { readCgroupLimits } from './cgroup.ts'
import { readConditions } from './conditions.ts'
import { type Core, readCores } from './cores.ts'
import { freeShare, parseCoreTicks } from './cpu-ticks.ts'
import { kernelNumberOf, readKernelText, whyUnread } from './kernel-file.ts'
import type { Figure, Probe } from './probe.ts'
import { writtenNumber, writtenShare, writtenSi } from './written.ts'

export interface CpuValues {
  /** Cores that this process may run on. */
  readonly cores: readonly Core[]
  /** Share of the time that the cores were not free for training; absent where nothing ticked. */
  readonly busyShare?: number
  /** Over one minute. */
  readonly loadAverage?: number
  /** Cores that the control group's quota comes to, where there is one. */
  readonly quotaCores?: number
}

/** Cores, their frequency and how busy they are over `windowMs`. */
export function cpuProbe({
  windowMs = 250,
}: {
  readonly windowMs?: number
} = {}): Probe<CpuValues> {
  return {
    name: 'cpu',
    durationMsMax: windowMs + 2000,
    async read(context) {
      const { procRoot, signal } = context
      const discarded: string[] = []
      const cores = await readCores(context, discarded)
      if (cores.length === 0) {
        const path = join(procRoot, 'stat')
        const isRead = (await readKernelText(path)) !== undefined
        return { status: 'absent', reason: isRead ? `no core in ${path}` : await whyUnread(path) }
      }
      const before = await readTicks(procRoot)
      await wait(windowMs, undefined, { signal })
      const after = await readTicks(procRoot)
      const free = cores
        .map(({ unit }) => freeShare(before.get(unit), after.get(unit)))
        .filter(share => !Number.isNaN(share))
      const loadAverage = kernelNumberOf(
        (await readKernelText(join(procRoot, 'loadavg')))?.split(' ')[0],
      )
      const { coresMax } = await readCgroupLimits(context)
      const values: CpuValues = {
        cores,
        ...(free.length > 0
          ? { busyShare: 1 - free.reduce((sum, share) => sum + share, 0) / free.length }
          : {}),
        ...(loadAverage !== undefined && loadAverage >= 0 ? { loadAverage } : {}),
        ...(coresMax === undefined ? {} : { quotaCores: coresMax }),
      }
      return {
        status: 'ok',
        values,
        figures: figuresOf(values),
        method: `stat over ${windowMs} ms`,
        conditions: await readConditions(context),
        discarded,
      }
    },
  }
}

async function readTicks(procRoot: string) {
  return parseCoreTicks((await readKernelText(join(procRoot, 'stat'))) ?? '')
}

function figuresOf({ cores, busyShare, loadAverage, quotaCores }: CpuValues): Figure[] {
  const now = highest(cores.map(({ frequencyHz }) => frequencyHz))
  const max = highest(cores.map(({ frequencyHzMax }) => frequencyHzMax))
  return [
    { name: 'cores', value: String(cores.length), unit: '' },
    ...(quotaCores === undefined
      ? []
      : [{ name: 'quota of the control group', value: writtenNumber(quotaCores), unit: 'cores' }]),
    ...(now === undefined ? [] : [{ name: 'frequency now', ...writtenSi(now, 'Hz') }]),
    ...(max === undefined ? [] : [{ name: 'frequency max', ...writtenSi(max, 'Hz') }]),
    ...(busyShare === undefined ? [] : [{ name: 'busy', ...writtenShare(busyShare) }]),
    ...(loadAverage === undefined
      ? []
      : [{ name: 'load average, 1 min', value: loadAverage.toFixed(2), unit: '' }]),
  ]
}

function highest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter(value => value !== undefined)
  return known.length > 0 ? Math.max(...known) : undefined
}

/**
 * Share of each core that may be offered: the owner's limit, and the control group's quota spread
 * over the cores where there is one.
 */
export function computingShareOf(
  cpu: Pick<CpuValues, 'cores' | 'quotaCores'>,
  computingShareMax: number,
): number {
  const quotaShare = cpu.quotaCores === undefined ? 1 : cpu.quotaCores / cpu.cores.length
  return Math.min(computingShareMax, quotaShare, 1)
}
