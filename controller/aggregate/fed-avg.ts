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
    const fault = lengthFault(update.parameters, length) ?? countFault(update.exampleCount)
    if (fault !== null) throw new GainnetError('ROUND_FAILED', fault, { index })
  }
  const total = updates.reduce((sum, update) => sum + update.exampleCount, 0)
  const mean = new Float64Array(length)
  for (const { parameters, exampleCount } of updates) {
    const weight = exampleCount / total
    for (let at = 0; at < length; at++) mean[at] = (mean[at] ?? 0) + weight * (parameters[at] ?? 0)
  }
  const rounded = new Float32Array(mean)
  // One value that is not finite makes the mean of its place so: one look finds it in any update.
  const at = firstNotFinite(rounded)
  const index = updates.findIndex(update => at >= 0 && !Number.isFinite(update.parameters[at]))
  const fault = updates[index] && parametersFault(updates[index].parameters, length)
  if (fault) throw new GainnetError('ROUND_FAILED', fault, { index })
  return rounded
}

/** Why parameters may not enter an average, or null. */
export function parametersFault(parameters: Float32Array, length: number): string | null {
  const at = firstNotFinite(parameters)
  return lengthFault(parameters, length) ?? (at < 0 ? null : `parameter ${at} is ${parameters[at]}`)
}

function lengthFault(parameters: Float32Array, length: number): string | null {
  return parameters.length === length
    ? null
    : `the update has ${parameters.length} parameters, the model ${length}`
}

/** Its index, -1 where there is none. A loop, as findIndex takes eight times as long. */
function firstNotFinite(values: Float32Array): number {
  for (let at = 0; at < values.length; at++) if (!Number.isFinite(values[at])) return at
  return -1
}

function countFault(exampleCount: number): string | null {
  return Number.isFinite(exampleCount) && exampleCount > 0
    ? null
    : `an update counts ${exampleCount} examples`
}
