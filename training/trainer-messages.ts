import type { Generation, ModelVersion } from './evaluator.ts'
import type { Kernel, KernelRate } from './kernel-rate.ts'
import type { LearningRate } from './learning-rate.ts'
import type { Samples } from './samples.ts'
import type { TrainingJob } from './training-run.ts'

export interface StepResult {
  /** The mean over the samples of each step, in nats where the loss is an entropy. */
  readonly losses: Float32Array
  readonly cpuSeconds: number
  readonly durationMs: number
}

/** What the parent may ask of a trainer child, and what comes back. */
export interface TrainerRequests {
  load: { readonly ask: TrainingJob; readonly reply: { readonly stepsPerEpoch: number } }
  step: {
    readonly ask: { readonly steps: number; readonly learningRate: LearningRate }
    readonly reply: StepResult
  }
  parameters: { readonly ask: null; readonly reply: Float32Array }
  averages: { readonly ask: null; readonly reply: Float32Array }
  evaluate: {
    readonly ask: ModelVersion & Samples
    readonly reply: { readonly lossMean: number; readonly sampleCount: number }
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

/** Child → parent. */
export type TrainerReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number; readonly reply: unknown }
  | {
      readonly kind: 'failed'
      readonly id: number
      readonly code: string
      readonly message: string
      readonly details: Readonly<Record<string, unknown>>
    }
