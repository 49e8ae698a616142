import { GainnetError } from '../../runtime/errors.ts'

/** Parameters that an agent trained, flat, and how many samples it trained them on. */
export interface WeightedParameters {
  readonly parameters: Float32Array
  readonly exampleCount: number
}

/**
 * w ← Σ_k (n_k / n) · w_k with n = Σ_k n_k (McMahan et al. 2017, algorithm 1), summed in float64 so
 * that neither the order nor the number of updates shows in the result.
 */
export function fedAvg(updates: readonly WeightedParameters[]): Float32Array {
  const [first] = updates
  if (first === undefined) throw new GainnetError('ROUND_FAILED', 'there is no update to average')
  const length = first.parameters.length
  for (const [index, update] of updates.entries()) {
    const fault = parametersFault(update.parameters, length) ?? countFault(update.exampleCount)
    if (fault !== null) throw new GainnetError('ROUND_FAILED', fault, { index })
  }
  const total = updates.reduce((sum, update) => sum + update.exampleCount, 0)
  const mean = new Float64Array(length)
  for (const { parameters, exampleCount } of updates) {
    const weight = exampleCount / total
    for (let at = 0; at < length; at++) mean[at] = (mean[at] ?? 0) + weight * (parameters[at] ?? 0)
  }
  return Float32Array.from(mean)
}

/** Why parameters may not enter an average, or null. */
export function parametersFault(parameters: Float32Array, length: number): string | null {
  if (parameters.length !== length) {
    return `the update has ${parameters.length} parameters, the model ${length}`
  }
  const at = parameters.findIndex(value => !Number.isFinite(value))
  return at < 0 ? null : `parameter ${at} is ${parameters[at]}`
}

function countFault(exampleCount: number): string | null {
  return Number.isFinite(exampleCount) && exampleCount > 0
    ? null
    : `an update counts ${exampleCount} examples`
}
