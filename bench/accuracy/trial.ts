import type { ModelOptions } from '../../training/models/registry.ts'

/** Samples with a class each. */
export interface LabelledSamples {
  readonly inputs: Float32Array
  readonly inputWidth: number
  readonly labels: Int32Array
}

/** A data set, the model for it, and what its accuracy is held against. */
export interface Trial {
  readonly name: string
  /** Below the folder of shared data. */
  readonly folder: string
  readonly model: ModelOptions
  readonly epochs: number
  readonly batch: number
  /** The highest: it falls to 0 along a cosine. */
  readonly learningRate: number
  /** The seed is that of what is drawn for training: shifts, drift. */
  load(seed: number): LoadedTrial
}

export interface LoadedTrial {
  readonly training: LabelledSamples
  readonly tests: readonly TrialTest[]
}

export interface TrialTest {
  readonly name: string
  readonly samples: LabelledSamples
  readonly floor: number
  /** Where the floor comes from. */
  readonly reference: string
}

export function labelledSamples(
  rows: readonly { readonly values: Float32Array; readonly label: number }[],
): LabelledSamples {
  const inputWidth = rows[0]?.values.length ?? 0
  const inputs = new Float32Array(rows.length * inputWidth)
  for (const [index, { values }] of rows.entries()) inputs.set(values, index * inputWidth)
  return { inputs, inputWidth, labels: Int32Array.from(rows, ({ label }) => label) }
}
