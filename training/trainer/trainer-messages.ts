import type { Evaluation, EvaluationOptions, Generation } from './evaluator.ts'
import type { Kernel, KernelRate } from './kernel-rate.ts'
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
  readonly durationMs: number
}

export interface LoadResult {
  readonly stepsPerEpoch: number
  /** 0, or the steps of the checkpoint. */
  readonly stepCount: number
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
  kernelRate: {
    readonly ask: { readonly kernel: Kernel; readonly runs: number }
    readonly reply: KernelRate
  }
  /** Frees the model in training and its data; the process stays ready for another. */
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
