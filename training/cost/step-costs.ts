import type { TrainingWork } from './count-work.ts'
import { nonNegativeLeastSquares } from './non-negative-least-squares.ts'
import { WORK_KINDS, type WorkCounts, type WorkKind } from './work-counts.ts'

/** Seconds of CPU time for one of each, on one core: the cost model of a board. */
export type StepCosts = Readonly<Record<WorkKind, number>>

/** CPU seconds of some work:  Σ costₖ · workₖ  over the kinds of work k. */
export function predictSeconds(work: WorkCounts, costs: StepCosts): number {
  return WORK_KINDS.reduce((sum, kind) => sum + costs[kind] * work[kind], 0)
}

/** A trainer goes on in runs of so many seconds, as far as whole steps fit; see TrainingRun. */
const RUN_SECONDS = 0.08

/**
 * CPU seconds of a training step, with its part of what a run takes besides its steps. Under a quota
 * of CPU time fewer steps fit into a run.
 */
export function predictStepSeconds(
  { step, run }: TrainingWork,
  costs: StepCosts,
  { share = 1 }: { readonly share?: number } = {},
): number {
  const stepSeconds = predictSeconds(step, costs)
  const stepsPerRun = Math.max(1, Math.floor((RUN_SECONDS * Math.min(1, share)) / stepSeconds))
  return stepSeconds + predictSeconds(run, costs) / stepsPerRun
}

/** What some work took. */
export interface CalibrationSample {
  readonly work: WorkCounts
  readonly cpuSeconds: number
  /** How much more than others it is to be met. */
  readonly weight: number
}

export interface FittedCosts {
  readonly costs: StepCosts
  /** Predicted over measured less one, of each sample. */
  readonly errors: readonly number[]
}

/** The costs that explain the samples best, by their relative errors. None is below zero. */
export function fitStepCosts(samples: readonly CalibrationSample[]): FittedCosts {
  const rows = samples.map(({ work, cpuSeconds, weight }) =>
    WORK_KINDS.map(kind => (weight * work[kind]) / cpuSeconds),
  )
  const solved = nonNegativeLeastSquares(
    rows,
    samples.map(({ weight }) => weight),
  )
  const entries = WORK_KINDS.map((kind, index) => [kind, solved[index] ?? 0] as const)
  // An entry for each kind.
  const costs = Object.fromEntries(entries) as StepCosts
  const errors = samples.map(({ work, cpuSeconds }) => predictSeconds(work, costs) / cpuSeconds - 1)
  return { costs, errors }
}
