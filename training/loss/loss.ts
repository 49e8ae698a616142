import type { GraphEmitter, ValueName } from '../graph-emitter.ts'

export interface LossInputs {
  readonly prediction: ValueName
  readonly labels: ValueName
  /** One a sample. Rows that only fill up a batch have weight 0. */
  readonly weights: ValueName
}

export interface LossOutputs {
  /** The weighted mean over the samples, without axes. */
  readonly loss: ValueName
  /** ∂ loss / ∂ prediction, made here since each loss has a cheaper form than its parts have. */
  readonly predictionGradient: ValueName
}

/** Emits a loss and the gradient that the backward pass begins with. */
export type Loss = (graph: GraphEmitter, inputs: LossInputs) => LossOutputs
