import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'

export interface LossInputs {
  readonly prediction: ValueName
  /** What labelType asks for, with the batch in front; the samples where it asks for nothing. */
  readonly labels: ValueName
  /** One a sample. Rows that only fill up a batch have weight 0. */
  readonly weights: ValueName
}

export interface LossOutputs {
  /** The weighted mean over the samples, without axes. */
  readonly loss: ValueName
  /** ∂ loss / ∂ prediction, made here since each loss has a cheaper form than its parts have. */
  readonly predictionGradient: ValueName
  /** What the mean was divided by, with one element: means of several batches are joined by it. */
  readonly weightSum: ValueName
}

/** The labels that a loss compares a prediction with. */
export interface LabelType {
  readonly elementType: 'int32' | 'float32'
  /** Shape of one sample's labels, without the batch axis. */
  readonly sampleShape: readonly number[]
  /** Of labels that are classes: they lie from 0 to below the count, or are the ignored one. */
  readonly classes?: { readonly count: number; readonly ignored?: number }
}

/** Emits a loss and the gradient that the backward pass begins with. */
export interface Loss {
  /** Undefined where the data set needs no labels. Throws RangeError for a shape it cannot judge. */
  labelType(predictionShape: readonly number[]): LabelType | undefined
  emit(graph: GraphEmitter, inputs: LossInputs): LossOutputs
}

/** Keeps a batch of nothing but filling from dividing by zero: its loss and gradient are 0. */
const WEIGHT_SUM_MIN = 1e-12

/** The sum of the weights, one element, and each one's share of it. */
export function emitShares(
  graph: GraphEmitter,
  weights: ValueName,
): { readonly shares: ValueName; readonly weightSum: ValueName } {
  const weightSum = graph.emit('Max', [
    graph.sum(weights, [0]),
    graph.scalar(WEIGHT_SUM_MIN, weights),
  ])
  return { shares: graph.div(weights, weightSum), weightSum }
}
