import { median } from 'simple-statistics'
import { fitStepCosts } from '../../../training/cost/step-costs.ts'
import {
  CALIBRATION_KERNELS,
  calibrationWeight,
  type KernelName,
} from '../../../training/trainer/kernels/registry.ts'
import type { OrtRuntime } from '../../../training/trainer/ort-runtime.ts'
import { readConditions } from '../conditions.ts'
import type { Core } from '../cores.ts'
import type { BoardRoots, Conditions } from '../probe.ts'
import type { AllCores, ComputeExtent, CoreClassRate, CostModel } from './compute-values.ts'
import { type KernelTrainer, together } from './kernel-trainer.ts'
import { readLastCacheBytes } from './last-cache.ts'
import {
  type Effort,
  type MeasuredKernel,
  measureKernels,
  USUAL_EFFORT,
} from './measure-kernels.ts'

/** Starts a trainer in a child process that is bound to these cores. */
export type StartTrainer = (options: {
  readonly cpus: readonly number[]
  readonly signal: AbortSignal
}) => Promise<KernelTrainer>

export interface MeasureCoresOptions {
  readonly roots: BoardRoots
  readonly startTrainer: StartTrainer
  readonly extent: ComputeExtent
  readonly effort?: Effort | undefined
  readonly signal: AbortSignal
  /** Gets the CPU time of each child, also of one that failed. */
  readonly spend: (childCpuSeconds: number) => void
}

export interface MeasuredCores<Rate> {
  readonly rate: Rate
  readonly runtime: OrtRuntime
  readonly conditions: readonly Conditions[]
}

/** An agent that starts has a fleet to join. */
const SHORT_EFFORT: Effort = { ...USUAL_EFFORT, runsMax: 25, secondsMax: 2 }

const SHORT: readonly KernelName[] = ['gemm', 'training-step']
/** Bandwidth last: it leaves nothing in the caches. */
const FULL: readonly KernelName[] = [...CALIBRATION_KERNELS, 'memory']
const ALL_CORES: readonly KernelName[] = ['gemm', 'training-step', 'memory']

/** A child has some 70 MiB without a kernel; beyond, cores are like those that were measured. */
const CHILDREN_MAX = 16

/** One core stands for its class: the last, as the first one serves most interrupts. */
export async function measureClass(
  members: readonly Core[],
  options: MeasureCoresOptions,
): Promise<MeasuredCores<CoreClassRate>> {
  const measured = members.at(-1)
  if (!measured) throw new RangeError('a class of cores has a core')
  const isFull = options.extent === 'full'
  const cores = { cores: [measured], kernels: isFull ? FULL : SHORT }
  const { kernels, runtime, conditions } = await measureTogether(cores, options)
  const rate = {
    units: members.map(({ unit }) => unit).sort(byIndex),
    measuredUnit: measured.unit,
    ...trainingRates(kernels),
    kernels: kernels.map(({ figure }) => figure),
    ...(isFull ? { costModel: costModelOf(kernels) } : {}),
  }
  return { rate, runtime, conditions }
}

/**
 * What all cores give at once, where they share caches, memory and heat: one child process a core, for
 * a trainer has one thread, and a board that trains on more cores trains more models.
 */
export async function measureAllCores(
  offered: readonly Core[],
  options: MeasureCoresOptions,
): Promise<MeasuredCores<AllCores>> {
  const cores = offered.slice(0, CHILDREN_MAX)
  const measured = await measureTogether({ cores, kernels: ALL_CORES }, options)
  const kernels = measured.kernels.map(({ figure }) => figure)
  return { ...measured, rate: { cores: cores.length, kernels } }
}

async function measureTogether(
  { cores, kernels }: { readonly cores: readonly Core[]; readonly kernels: readonly KernelName[] },
  options: MeasureCoresOptions,
) {
  const { roots, extent, signal } = options
  const { effort = extent === 'full' ? USUAL_EFFORT : SHORT_EFFORT } = options
  const cacheBytes = cores[0] && (await readLastCacheBytes(roots.sysRoot, cores[0].index))
  const trainers = await startAll(cores, options)
  const kill = (): void => {
    for (const trainer of trainers) trainer.kill()
  }
  signal.addEventListener('abort', kill, { once: true })
  try {
    signal.throwIfAborted()
    const measured = await measureKernels({
      runner: together(trainers),
      kernels,
      // Cores share the last cache: each need only leave its part of it.
      cacheBytes: cacheBytes && Math.ceil(cacheBytes / cores.length),
      readConditions: () => readConditions(roots, cores),
      effort,
      signal,
    })
    return { ...measured, runtime: trainers[0]?.runtime ?? 'native' }
  } finally {
    signal.removeEventListener('abort', kill)
    await stopAll(trainers, options.spend)
  }
}

/** All or none: where one does not start, the others end. */
async function startAll(
  cores: readonly Core[],
  { startTrainer, signal, spend }: MeasureCoresOptions,
): Promise<readonly KernelTrainer[]> {
  const starts = await Promise.allSettled(
    cores.map(({ index }) => startTrainer({ cpus: [index], signal })),
  )
  const started = starts.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = starts.find(one => one.status === 'rejected')
  if (!failed) return started
  await stopAll(started, spend)
  throw failed.reason
}

async function stopAll(
  trainers: readonly KernelTrainer[],
  spend: MeasureCoresOptions['spend'],
): Promise<void> {
  for (const trainer of trainers) {
    // A child that died took the account of its time with it.
    spend(await trainer.cpuSeconds({ deadlineMs: 2000 }).catch(() => 0))
    await trainer.stop()
  }
}

function trainingRates(kernels: readonly MeasuredKernel[]) {
  const figureOf = (name: KernelName) => {
    const found = kernels.find(({ figure }) => figure.kernel === name)
    if (!found) throw new Error(`the kernel ${name} gave no rate`)
    return found.figure
  }
  const training = figureOf('training-step')
  return {
    trainingFlopsPerSecond: training.p50,
    peakFlopsPerSecond: training.peak,
    sustainedFactor: training.p50 / training.peak,
    gemmFlopsPerSecond: figureOf('gemm').p50,
  }
}

/** Fitted to every kernel but the bandwidth of the memory, which whole steps seldom meet. */
function costModelOf(kernels: readonly MeasuredKernel[]): CostModel {
  const samples = kernels
    .filter(({ figure }) => figure.kernel !== 'memory')
    .map(({ figure, work, cpuSeconds }) => ({
      work,
      cpuSeconds,
      weight: calibrationWeight(figure.kernel),
    }))
  const { costs, errors } = fitStepCosts(samples)
  return { costs, errorMedian: median(errors.map(Math.abs)) }
}

function byIndex(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}
