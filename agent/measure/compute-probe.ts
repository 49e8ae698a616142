import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KernelRate } from '../../training/trainer/kernel-rate.ts'
import type { OrtRuntime } from '../../training/trainer/ort-runtime.ts'
import type { TrainerProcess } from '../../training/trainer/trainer-process.ts'
import { readConditions } from './conditions.ts'
import { type Core, coreClasses, readCores } from './cores.ts'
import { takeHostLock } from './host-lock.ts'
import type { Conditions, Figure, Probe, ProbeContext } from './probe.ts'
import { writtenSi } from './written.ts'

export interface CoreClassRate {
  readonly units: readonly string[]
  /** The core of the class that was measured. */
  readonly measuredUnit: string
  /**
   * Median rate of whole training steps, optimizer included, in FLOP per second of CPU time: what a
   * training run gets from the core for as long as it has the core.
   */
  readonly trainingFlopsPerSecond: number
  /** The fastest that was seen, in any run. */
  readonly peakFlopsPerSecond: number
  /** Median over fastest, so that peak times factor is the rate to count on. */
  readonly sustainedFactor: number
  /** Rates by wall time, for the spread. */
  readonly runs: readonly number[]
  /** Rate of one large matrix product, the most that the runtime gets out of the core. */
  readonly gemmFlopsPerSecond: number
}

export interface ComputeValues {
  readonly runtime: OrtRuntime
  readonly classes: readonly CoreClassRate[]
  readonly before: Conditions
  readonly after: Conditions
}

type KernelTrainer = Pick<TrainerProcess, 'kernelRate' | 'runtime' | 'stop' | 'kill'>

export interface ComputeProbeOptions {
  /** Starts a trainer in a child process that is bound to these cores. */
  readonly startTrainer: (options: {
    readonly cpus: readonly number[]
    readonly signal: AbortSignal
  }) => Promise<KernelTrainer>
  readonly runs?: number
  readonly lockPath?: string
  readonly lockWaitMsMax?: number
}

/** All agents of a machine share this lock, so that they never measure each other. */
export const COMPUTE_LOCK_PATH = join(tmpdir(), 'gainnet-compute-probe.lock')

const DURATION_MS_MAX = 180_000

/** Rate of the training kernels, one measurement a class of core, in a child process bound to it. */
export function computeProbe(options: ComputeProbeOptions): Probe<ComputeValues> {
  // MLPerf Tiny takes the median of five; a run of some 50 ms is cheap, and a busy board noisy.
  const { startTrainer, runs = 9, lockPath = COMPUTE_LOCK_PATH, lockWaitMsMax = 90_000 } = options
  return {
    name: 'compute',
    durationMsMax: DURATION_MS_MAX,
    async read(context) {
      const lock = await takeHostLock({
        path: lockPath,
        waitMsMax: lockWaitMsMax,
        holdMsMax: DURATION_MS_MAX,
        signal: context.signal,
      })
      if (!lock) {
        const seconds = lockWaitMsMax / 1000
        return { status: 'absent', reason: `another process was measuring for ${seconds} s` }
      }
      try {
        return await measureClasses(context, { startTrainer, runs })
      } finally {
        await lock.release()
      }
    },
  }
}

async function measureClasses(
  context: ProbeContext,
  { startTrainer, runs }: Pick<ComputeProbeOptions, 'startTrainer'> & { readonly runs: number },
) {
  const cores = await readCores(context)
  if (cores.length === 0) {
    return { status: 'absent' as const, reason: `no core in ${join(context.procRoot, 'stat')}` }
  }
  const before = await readConditions(context)
  const classes: CoreClassRate[] = []
  let runtime: OrtRuntime = 'native'
  for (const members of coreClasses(cores)) {
    const one = await measureClass(members, { startTrainer, runs, signal: context.signal })
    classes.push(one.rate)
    runtime = one.runtime
  }
  const after = await readConditions(context)
  return {
    status: 'ok' as const,
    values: { runtime, classes, before, after },
    figures: classes.flatMap(rate => figuresOf(rate, { isOnly: classes.length === 1 })),
    method: `training steps, median of ${runs}${runtime === 'wasm' ? ', on WebAssembly' : ''}`,
    conditions: worse(before, after),
  }
}

async function measureClass(
  members: readonly Core[],
  options: { startTrainer: ComputeProbeOptions['startTrainer']; runs: number; signal: AbortSignal },
): Promise<{ readonly rate: CoreClassRate; readonly runtime: OrtRuntime }> {
  const { startTrainer, runs, signal } = options
  // The last core: the first one serves most interrupts (IRQ affinity starts there).
  const measured = members.at(-1)
  if (!measured) throw new RangeError('a class of cores has a core')
  const trainer = await startTrainer({ cpus: [measured.index], signal })
  const kill = (): void => trainer.kill()
  signal.addEventListener('abort', kill, { once: true })
  try {
    signal.throwIfAborted()
    const gemm = await trainer.kernelRate({ kernel: 'gemm', runs })
    const training = await trainer.kernelRate({ kernel: 'training-step', runs })
    const rate = {
      units: members.map(({ unit }) => unit).sort(byIndex),
      measuredUnit: measured.unit,
      gemmFlopsPerSecond: gemm.flopsPerCpuSecond,
      ...rateOf(training),
    }
    return { rate, runtime: trainer.runtime }
  } finally {
    signal.removeEventListener('abort', kill)
    await trainer.stop()
  }
}

function byIndex(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}

/**
 * The rates of one measurement in FLOP/s. CPU time counts, not wall time: what others took of the
 * core meanwhile is in the availability already and must not count twice.
 */
export function rateOf({
  runs,
  flopsPerCpuSecond,
}: Pick<KernelRate, 'runs' | 'flopsPerCpuSecond'>) {
  const peakFlopsPerSecond = Math.max(flopsPerCpuSecond, ...runs)
  return {
    trainingFlopsPerSecond: flopsPerCpuSecond,
    peakFlopsPerSecond,
    sustainedFactor: flopsPerCpuSecond / peakFlopsPerSecond,
    runs,
  }
}

/** Hotter, slower and throttled in either: a figure must not look better than it was taken. */
function worse(before: Conditions, after: Conditions): Conditions {
  const temperatures = [before.temperatureCelsius, after.temperatureCelsius].filter(isKnown)
  const frequencies = [before.frequencyHz, after.frequencyHz].filter(isKnown)
  const throttled = [before.throttled, after.throttled].filter(isKnown)
  const underVoltage = [before.underVoltage, after.underVoltage].filter(isKnown)
  return {
    ...(temperatures.length > 0 ? { temperatureCelsius: Math.max(...temperatures) } : {}),
    ...(frequencies.length > 0 ? { frequencyHz: Math.min(...frequencies) } : {}),
    ...(throttled.length > 0 ? { throttled: throttled.includes(true) } : {}),
    ...(underVoltage.length > 0 ? { underVoltage: underVoltage.includes(true) } : {}),
  }
}

function isKnown<T>(value: T | undefined): value is T {
  return value !== undefined
}

function figuresOf(rate: CoreClassRate, { isOnly }: { readonly isOnly: boolean }): Figure[] {
  const of = isOnly ? 'a core' : rate.units.join(', ')
  return [
    { name: `training, ${of}`, ...writtenSi(rate.trainingFlopsPerSecond, 'FLOP/s') },
    { name: '  fastest run', ...writtenSi(rate.peakFlopsPerSecond, 'FLOP/s') },
    { name: `matrix product, ${of}`, ...writtenSi(rate.gemmFlopsPerSecond, 'FLOP/s') },
  ]
}
