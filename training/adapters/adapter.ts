import { z } from 'zod'
import { checkModel } from '../onnx/check-model.ts'
import { decodeModel } from '../onnx/onnx-codec.ts'
import type { GraphProto, ModelProto } from '../onnx/onnx-proto.ts'
import { addBottlenecks, bottleneckSchema } from './bottleneck.ts'
import type { AdaptedModel } from './graph-rewrite.ts'
import { addLora, loraSchema } from './lora.ts'
import { addPrefix, prefixSchema } from './prefix.ts'

export const adapterSchema = z.discriminatedUnion('kind', [
  bottleneckSchema,
  loraSchema,
  prefixSchema,
])

/** What a caller writes: settings that are left out have the defaults of the schema. */
export type AdapterOptions = z.input<typeof adapterSchema>

/**
 * Builds an adapter into a model. All initializers of the model keep their names and bytes; give
 * `trainable` to buildTrainingArtifact, so that only what was added is trained. Equal arguments give
 * equal bytes. Adapters of several kinds are built in one after the other.
 */
export function adaptModel(model: Uint8Array, options: AdapterOptions): AdaptedModel {
  const settings = adapterSchema.parse(options)
  const proto = decodeModel(model)
  const { graph } = checkModel(proto)
  const whole = { ...proto, graph }
  const adapted = build(whole, settings)
  // What is built in twice has names that are there already.
  checkModel(decodeModel(adapted.bytes))
  return adapted
}

function build(
  model: ModelProto & { readonly graph: GraphProto },
  settings: z.output<typeof adapterSchema>,
): AdaptedModel {
  switch (settings.kind) {
    case 'lora':
      return addLora(model, settings)
    case 'bottleneck':
      return addBottlenecks(model, settings)
    case 'prefix':
      return addPrefix(model, settings)
  }
}
