import { GainnetError } from '../../runtime/errors.ts'
import { withRunningStatistics } from '../forward/batch-statistics.ts'
import type { ParameterInfo } from '../forward/forward-graph.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { decodeModel, encodeModel } from '../onnx/onnx-codec.ts'
import { buildTensor } from '../onnx/tensor.ts'
import { METADATA_KEY } from './artifact-metadata.ts'
import { inferenceMetadataSchema } from './form-metadata.ts'
import { originOf } from './training-options.ts'

/**
 * The model as it came, operator set and all, with other values in the initializers that are its
 * parameters: a plain ONNX file, which other tools load. A BatchNormalization that was exported for
 * training goes by its running statistics.
 */
export function buildInferenceForm(
  model: Uint8Array,
  {
    parameters,
    values,
  }: {
    readonly parameters: readonly ParameterInfo[]
    /** All parameters in their order. */
    readonly values: Float32Array
  },
): Uint8Array {
  const proto = decodeModel(model)
  const count = parameters.reduce((sum, parameter) => sum + parameter.count, 0)
  if (!proto.graph || values.length !== count) {
    throw new GainnetError(
      'MODEL_INVALID',
      `the model has ${count} parameters, ${values.length} were given`,
    )
  }
  const changed = new Map(
    parameters.map(({ name, shape, offset, count }) => {
      const part = values.subarray(offset, offset + count)
      return [name, buildTensor({ name, type: ELEMENT.float, shape, values: part })] as const
    }),
  )
  const initializer = proto.graph.initializer.map(
    tensor => changed.get(tensor.name ?? '') ?? tensor,
  )
  const metadata = inferenceMetadataSchema.parse({ form: 'infer', ...originOf(model) })
  const others = proto.metadataProps.filter(({ key }) => key !== METADATA_KEY)
  return encodeModel({
    ...proto,
    graph: { ...proto.graph, node: proto.graph.node.map(withRunningStatistics), initializer },
    metadataProps: [...others, { key: METADATA_KEY, value: JSON.stringify(metadata) }],
  })
}
