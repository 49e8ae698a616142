import type { Evaluation, EvaluationOptions, Generation } from './evaluator.ts'
import type { KernelRun } from './kernels/kernel-bench.ts'
import type { KernelAsk, KernelName } from './kernels/registry.ts'
import type { OrtRuntime } from './ort-runtime.ts'
import type { StepOptions, TrainingJob } from './training-run.ts'

export interface StepResult {
  /**
   * The mean over the samples of each step, in nats where the loss is an entropy. Fewer than the
   * steps asked for where it was cancelled.
   */
  readonly losses: Float32Array
  /** Steps done since the start, those before a checkpoint included. */
  readonly stepCount: number
  readonly cpuSeconds: number
  /** Of the process since it began, so that what messages take between steps is seen, too. */
  readonly cpuSecondsSoFar: number
  readonly durationMs: number
}

export interface LoadResult {
  readonly stepsPerEpoch: number
  /** 0, or the steps of the checkpoint. */
  readonly stepCount: number
  /** What loading took. */
  readonly cpuSeconds: number
}

export interface CheckpointResult {
  readonly stepCount: number
  readonly bytes: number
}

/** What the parent may ask of a trainer child, and what comes back. */
export interface TrainerRequests {
  load: { readonly ask: TrainingJob; readonly reply: LoadResult }
  step: {
    readonly ask: StepOptions & { readonly reportsProgress: boolean }
    readonly reply: StepResult
  }
  /** Writes a file to go on from; see checkpoint/checkpoint.ts. */
  checkpoint: { readonly ask: { readonly path: string }; readonly reply: CheckpointResult }
  parameters: { readonly ask: null; readonly reply: Float32Array }
  averages: { readonly ask: null; readonly reply: Float32Array }
  evaluate: {
    readonly ask: EvaluationOptions
    readonly reply: Evaluation
  }
  generate: { readonly ask: Generation; readonly reply: Uint8Array }
  /** Makes a kernel ready to be measured, in the child until `unload`. */
  openKernel: { readonly ask: KernelAsk; readonly reply: null }
  runKernel: {
    readonly ask: { readonly kernel: KernelName; readonly turns: number }
    readonly reply: KernelRun
  }
  /** User and system time of the process since its start. */
  cpuTime: { readonly ask: null; readonly reply: { readonly cpuSeconds: number } }
  /** Frees the model in training and its data, and open kernels; the process stays ready for another. */
  unload: { readonly ask: null; readonly reply: null }
}

export type TrainerRequestKind = keyof TrainerRequests

/** Parent → child. */
export interface TrainerRequest<Kind extends TrainerRequestKind = TrainerRequestKind> {
  readonly id: number
  readonly kind: Kind
  readonly ask: TrainerRequests[Kind]['ask']
}

/** Parent → child, besides requests: ends a step early. It does not wait for its turn. */
export interface TrainerCancel {
  readonly kind: 'cancel'
  readonly id: number
}

/** Child → parent. */
export type TrainerReply =
  | { readonly kind: 'ready'; readonly runtime: OrtRuntime; readonly reason?: string }
  | { readonly kind: 'progress'; readonly id: number; readonly losses: Float32Array }
  | { readonly kind: 'done'; readonly id: number; readonly reply: unknown }
  | {
      readonly kind: 'failed'
      readonly id: number
      readonly code: string
      readonly message: string
      readonly details: Readonly<Record<string, unknown>>
    }
