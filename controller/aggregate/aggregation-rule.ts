import type { WeightedParameters } from './fed-avg.ts'

export interface AggregationInputs {
  /** The version that all updates were trained from. */
  readonly current: Float32Array
  /** As they passed the gate of fed-avg.ts: of the model's length, every value finite. */
  readonly updates: readonly WeightedParameters[]
  /** What the same rule returned with the version before; empty for the first. */
  readonly moments: readonly Float32Array[]
}

export interface Aggregation {
  readonly parameters: Float32Array
  /** What the rule wants to have again for the next version; each as long as the parameters. */
  readonly moments: readonly Float32Array[]
  /** Indices of the updates that the rule took no value from. */
  readonly leftOut: readonly number[]
}

/**
 * How a new version is made of the updates of one round. Throws ROUND_FAILED where there are too few
 * updates for what it promises; the version stays as it is then.
 */
export type AggregationRule = (inputs: AggregationInputs) => Aggregation
