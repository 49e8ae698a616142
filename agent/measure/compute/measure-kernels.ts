import type { WorkCounts } from '../../../training/cost/work-counts.ts'
import type { KernelRun } from '../../../training/trainer/kernels/kernel-bench.ts'
import type { KernelName } from '../../../training/trainer/kernels/registry.ts'
import type { Conditions } from '../probe.ts'
import { type Estimate, estimateOf, type RunSample } from './estimate.ts'
import type { KernelRunner } from './kernel-trainer.ts'
import { amountOf, type KernelUnit, kernelUnit } from './kernel-unit.ts'
import { runFlags } from './run-flags.ts'

/** The rate of one kernel per second of CPU time, and how it was come by. */
export interface KernelFigure extends Estimate {
  readonly kernel: KernelName
  readonly unit: KernelUnit
}

export interface MeasuredKernel {
  readonly figure: KernelFigure
  /** Of one run, which is the same work each time. */
  readonly work: WorkCounts
  /** What that takes at the median rate. */
  readonly cpuSeconds: number
}

export interface MeasuredKernels {
  readonly kernels: readonly MeasuredKernel[]
  /** Of the board, before and after each run. */
  readonly conditions: readonly Conditions[]
}

export interface MeasureKernelsOptions {
  readonly runner: KernelRunner
  readonly kernels: readonly KernelName[]
  /** Of the last cache, where it is known. */
  readonly cacheBytes?: number | undefined
  readonly readConditions: () => Promise<Conditions>
  readonly effort?: Effort
  readonly signal: AbortSignal
}

export interface Effort {
  /** Of CPU time, that a run is to take: well over a tick of the clock and the start of a run. */
  readonly runSeconds: number
  /** The same of whole training steps, which go in longer runs when they are no measurement. */
  readonly stepRunSeconds: number
  /** Runs of each kernel, at least and at most. */
  readonly runsMin: number
  readonly runsMax: number
  /** A kernel is done when the interval of its median is as narrow as that. */
  readonly widthMax: number
  /** After that kernels that have their least of runs must do with what they have. */
  readonly secondsMax: number
}

export const USUAL_EFFORT: Effort = {
  runSeconds: 0.01,
  stepRunSeconds: 0.03,
  runsMin: 9,
  runsMax: 40,
  widthMax: 0.05,
  secondsMax: 20,
}

/** A run takes at most so many times the turns of the one before: that one was warming up. */
const TURNS_GROWTH_MAX = 8
const SIZING_RUNS_MAX = 8

interface OpenSeries {
  readonly kernel: KernelName
  readonly turns: number
  readonly samples: RunSample[]
  work: WorkCounts | undefined
  isDone: boolean
}

/**
 * Runs kernels in turn, one run each, until the median of each is known well enough: what disturbs the
 * machine for a while disturbs a run or two of every kernel, not one kernel as a whole.
 */
export async function measureKernels(options: MeasureKernelsOptions): Promise<MeasuredKernels> {
  const { runner, kernels, effort = USUAL_EFFORT, readConditions, signal } = options
  const series: OpenSeries[] = []
  for (const kernel of kernels) {
    signal.throwIfAborted()
    const turns = await findTurns(kernel, options)
    series.push({ kernel, turns, samples: [], work: undefined, isDone: false })
  }
  const endsAt = performance.now() + effort.secondsMax * 1e3
  let before = await readConditions()
  const conditions = [before]
  let frequencyHzBest = 0
  for (let round = 1; round <= effort.runsMax && series.some(({ isDone }) => !isDone); round++) {
    for (const one of series.filter(({ isDone }) => !isDone)) {
      signal.throwIfAborted()
      const run = await runner.runKernel({ kernel: one.kernel, turns: one.turns })
      const after = await readConditions()
      conditions.push(after)
      frequencyHzBest = Math.max(frequencyHzBest, after.frequencyHz ?? 0)
      one.work = run.work
      one.samples.push(sampleOf(one.kernel, run, runFlags({ before, after, frequencyHzBest })))
      one.isDone = round >= effort.runsMin && isKnown(one.samples, effort)
      before = after
    }
    if (round >= effort.runsMin && performance.now() > endsAt) break
  }
  return { kernels: series.flatMap(measuredOf), conditions }
}

/** How many turns take about as long as a run is to take. */
async function findTurns(
  kernel: KernelName,
  { runner, cacheBytes, effort = USUAL_EFFORT }: MeasureKernelsOptions,
): Promise<number> {
  await runner.openKernel({ kernel, ...(cacheBytes === undefined ? {} : { cacheBytes }) })
  const wished = kernel.endsWith('-step') ? effort.stepRunSeconds : effort.runSeconds
  let turns = 1
  for (let run = 0; run < SIZING_RUNS_MAX; run++) {
    const { cpuSeconds } = await runner.runKernel({ kernel, turns })
    const fitting = (turns * wished) / Math.max(cpuSeconds, 1e-5)
    const next = Math.max(1, Math.round(Math.min(fitting, turns * TURNS_GROWTH_MAX)))
    const isNear = cpuSeconds > wished / 2 && run > 0
    if (isNear || next === turns) return next
    turns = next
  }
  return turns
}

function sampleOf(kernel: KernelName, run: KernelRun, flags: readonly string[]): RunSample {
  return { rate: amountOf(kernel, run.work) / Math.max(run.cpuSeconds, 1e-6), flags }
}

function isKnown(samples: readonly RunSample[], { widthMax }: Effort): boolean {
  const estimate = estimateOf(samples)
  return estimate !== undefined && estimate.width <= widthMax
}

function measuredOf({ kernel, samples, work }: OpenSeries): readonly MeasuredKernel[] {
  const estimate = estimateOf(samples)
  if (!estimate || !work) return []
  return [
    {
      figure: { kernel, unit: kernelUnit(kernel), ...estimate },
      work,
      cpuSeconds: amountOf(kernel, work) / estimate.p50,
    },
  ]
}
