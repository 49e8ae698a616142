import type { StepCosts } from '../../../training/cost/step-costs.ts'
import type { OrtRuntime } from '../../../training/trainer/ort-runtime.ts'
import type { Conditions, Discarded } from '../probe.ts'
import type { KernelFigure } from './measure-kernels.ts'

/** Which kernels are measured: what a plan needs at once, or what predicts any model's step. */
export type ComputeExtent = 'short' | 'full'

export interface CoreClassRate {
  readonly units: readonly string[]
  /** The core of the class that was measured. */
  readonly measuredUnit: string
  /**
   * Median rate of whole training steps, optimizer included, in FLOP per second of CPU time: what a
   * training run gets from the core for as long as it has the core.
   */
  readonly trainingFlopsPerSecond: number
  /** The fastest run of training steps. */
  readonly peakFlopsPerSecond: number
  /** Median over fastest, so that peak times factor is the rate to count on. */
  readonly sustainedFactor: number
  /** Rate of one large matrix product, the most that the runtime gets out of the core. */
  readonly gemmFlopsPerSecond: number
  readonly kernels?: readonly KernelFigure[]
  /** Of the full extent only. */
  readonly costModel?: CostModel
}

/** Seconds of CPU time for each kind of work on a core of the class. */
export interface CostModel {
  readonly costs: StepCosts
  /** Median of |predicted over measured − 1| over the kernels that it was fitted to. */
  readonly errorMedian: number
}

/** All cores at once. */
export interface AllCores {
  readonly cores: number
  readonly kernels: readonly KernelFigure[]
}

export interface ComputeValues {
  readonly runtime: OrtRuntime
  readonly classes: readonly CoreClassRate[]
  /** Absent where there is one core, or where the extent is short. */
  readonly allCores?: AllCores
  readonly before: Conditions
  readonly after: Conditions
  readonly extent?: ComputeExtent
  /** Of all kernels together. */
  readonly discarded?: readonly Discarded[]
  /** What measuring took: CPU time of the child processes, and time that passed. */
  readonly spent?: { readonly cpuSeconds: number; readonly wallSeconds: number }
}
