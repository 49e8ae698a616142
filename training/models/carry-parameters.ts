import { GainnetError } from '../../runtime/errors.ts'
import { buildInferenceForm } from '../forms/inference-form.ts'
import { type ParameterInfo, readForwardModel } from '../forward/forward-graph.ts'

/**
 * A model that is a part of another one, a decoder say, with the parameters that the other one has
 * under the same names.
 */
export function carryParameters(
  part: Uint8Array,
  whole: { readonly parameters: readonly ParameterInfo[]; readonly values: Float32Array },
): Uint8Array {
  const { parameters } = readForwardModel(part)
  const known = new Map(whole.parameters.map(parameter => [parameter.name, parameter]))
  const values = new Float32Array(parameters.reduce((sum, { count }) => sum + count, 0))
  for (const { name, shape, offset } of parameters) {
    const source = known.get(name)
    if (!source || String(source.shape) !== String(shape)) {
      throw new GainnetError('MODEL_INVALID', `the whole has no parameter ${name} of [${shape}]`, {
        parameter: name,
      })
    }
    values.set(whole.values.subarray(source.offset, source.offset + source.count), offset)
  }
  return buildInferenceForm(part, { parameters, values })
}
