import { z } from 'zod'
import { GainnetError, messageOf } from '../runtime/errors.ts'
import { lossKindSchema } from './loss/registry.ts'
import { decodeModel } from './onnx/onnx-codec.ts'
import { optimizerSchema } from './optimizer/registry.ts'

/** The key in metadata_props under which an artifact says what its inputs and outputs are for. */
export const METADATA_KEY = 'gainnet.training'

/** A tensor that a run takes in and gives back changed. */
const stateTensor = z.strictObject({ input: z.string(), output: z.string() })

const size = z.int().nonnegative()

export const artifactMetadataSchema = z.strictObject({
  form: z.literal('training-scan'),
  version: z.literal(1),
  batch: z.int().positive(),
  /** Matrix products of forward and backward pass for one sample. */
  flopsPerSample: z.number().nonnegative(),
  loss: lossKindSchema,
  optimizer: optimizerSchema,
  inputs: z.strictObject({
    samples: z.strictObject({
      name: z.string(),
      elementType: z.int(),
      sampleShape: z.array(size),
    }),
    labels: z.string(),
    /** Rows of the data set for each step, [steps, batch]. */
    rows: z.string(),
    /** Weight of each row, [steps, batch]. */
    weights: z.string(),
    /** The optimizer's scalars in its order, [steps] each. */
    scalars: z.array(z.string()),
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
    }),
  ),
})

export type ArtifactMetadata = z.output<typeof artifactMetadataSchema>

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
