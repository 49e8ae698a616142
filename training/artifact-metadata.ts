import { z } from 'zod'
import { GainnetError, messageOf } from '../runtime/errors.ts'
import { lossSchema } from './loss/registry.ts'
import { decodeModel } from './onnx/onnx-codec.ts'
import { optimizerSchema } from './optimizer/registry.ts'
import { weightAverageSchema } from './weight-average.ts'

/** The key in metadata_props under which an artifact says what its inputs and outputs are for. */
export const METADATA_KEY = 'gainnet.training'

/** A tensor that a run takes in and gives back changed. */
const stateTensor = z.strictObject({ input: z.string(), output: z.string() })

const size = z.int().nonnegative()

/** LabelType of loss/loss.ts, with the name of the input. */
const labelInput = z.strictObject({
  name: z.string(),
  elementType: z.enum(['int32', 'float32']),
  sampleShape: z.array(size),
  classes: z.strictObject({ count: size, ignored: z.int().exactOptional() }).exactOptional(),
})

export const artifactMetadataSchema = z.strictObject({
  form: z.literal('training-scan'),
  version: z.literal(2),
  /** Samples that are computed at once. */
  batch: z.int().positive(),
  /** Batches whose gradients make one step. */
  accumulation: z.int().positive(),
  /** Matrix products of forward and backward pass for one sample. */
  flopsPerSample: z.number().nonnegative(),
  loss: lossSchema,
  optimizer: optimizerSchema,
  /** The norm to which all gradients together are clipped. */
  gradientNormMax: z.number().positive().exactOptional(),
  average: weightAverageSchema.exactOptional(),
  inputs: z.strictObject({
    samples: z.strictObject({
      name: z.string(),
      elementType: z.int(),
      sampleShape: z.array(size),
    }),
    /** Left out where the loss needs none. */
    labels: labelInput.optional(),
    /** Rows of the data set for each step, [steps, batch], or [steps, accumulation, batch]. */
    rows: z.string(),
    /** Weight of each row, in the same shape. */
    weights: z.string(),
    /** The optimizer's scalars in its order, [steps] each. */
    scalars: z.array(z.string()),
    /** How much of each step goes into the average, [steps]. */
    averageRate: z.string().exactOptional(),
    /** FedProx's μ, one number for all steps of a run. */
    proximal: z.string().exactOptional(),
  }),
  outputs: z.strictObject({ losses: z.string() }),
  parameters: z.array(
    z.strictObject({
      name: z.string(),
      shape: z.array(size),
      offset: size,
      count: size,
      ...stateTensor.shape,
      /** The optimizer's slots in its order. */
      slots: z.array(stateTensor),
      average: stateTensor.exactOptional(),
      /** Where FedProx pulls it back to: an input that stays the same. */
      anchor: z.string().exactOptional(),
      /** SCAFFOLD's c − cᵢ: an input that stays the same. */
      control: z.string().exactOptional(),
    }),
  ),
})

export type ArtifactMetadata = z.output<typeof artifactMetadataSchema>

type StateTensor = z.output<typeof stateTensor>

/** All that a run changes of a parameter, in the order of the graph. */
export function stateTensors({
  input,
  output,
  slots,
  average,
}: Pick<ArtifactMetadata['parameters'][number], 'input' | 'output' | 'slots' | 'average'>) {
  return [{ input, output }, ...slots, ...(average ? [average] : [])] satisfies StateTensor[]
}

/** What a training artifact says of itself. Fails with MODEL_INVALID for any other file. */
export function readTrainingArtifact(bytes: Uint8Array): ArtifactMetadata {
  const entry = decodeModel(bytes).metadataProps.find(({ key }) => key === METADATA_KEY)
  if (!entry?.value) {
    throw new GainnetError('MODEL_INVALID', `not a training artifact: it has no ${METADATA_KEY}`)
  }
  try {
    return artifactMetadataSchema.parse(JSON.parse(entry.value))
  } catch (error) {
    throw new GainnetError(
      'MODEL_INVALID',
      `the artifact's ${METADATA_KEY} cannot be read: ${messageOf(error)}`,
      {},
      { cause: error },
    )
  }
}
