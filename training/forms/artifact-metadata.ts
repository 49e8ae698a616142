import { z } from 'zod'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { lossSchema } from '../loss/registry.ts'
import { buildModel, OPSET_MAX } from '../onnx/build.ts'
import { decodeModel, encodeModel } from '../onnx/onnx-codec.ts'
import type { GraphProto } from '../onnx/onnx-proto.ts'
import { optimizerSchema } from '../optimizer/registry.ts'
import { singleRow } from '../optimizer/scaled-sum.ts'
import { weightAverageSchema } from '../step/weight-average.ts'

/** The key in metadata_props under which an artifact says what its inputs and outputs are for. */
export const METADATA_KEY = 'gainnet.training'
export const METADATA_VERSION = 3

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

/** What every form says: how to read this, who made it, and the SHA-256 of the source model. */
export const originFields = {
  version: z.literal(METADATA_VERSION),
  engine: z.string(),
  source: z.hash('sha256'),
}

export const judgedFields = {
  /** Samples that are computed at once. */
  batch: z.int().positive(),
  /** Batches whose gradients make one step. */
  accumulation: z.int().positive(),
  loss: lossSchema,
}

export const optimizedFields = {
  /** Matrix products of forward and backward pass for one sample. */
  flopsPerSample: z.number().nonnegative(),
  optimizer: optimizerSchema,
  /** The norm to which all gradients together are clipped. */
  gradientNormMax: z.number().positive().exactOptional(),
  average: weightAverageSchema.exactOptional(),
}

export const dataFields = {
  /** The model's inputs by their names, as the data set holds them. */
  samples: z.array(
    z.strictObject({
      name: z.string(),
      elementType: z.int(),
      sampleShape: z.array(size),
      input: z.string(),
    }),
  ),
  /** Left out where the loss needs none. */
  labels: labelInput.optional(),
}

export const scheduleFields = {
  /** The optimizer's scalars in its order: one number each, in a scan [steps]. */
  scalars: z.array(z.string()),
  /** How much of each step goes into the average, like the scalars. */
  averageRate: z.string().exactOptional(),
  /** FedProx's μ, one number for all steps of a run. */
  proximal: z.string().exactOptional(),
}

/** A parameter and its place in the flat vector of all, and which input it is. */
export const parameterFields = {
  name: z.string(),
  shape: z.array(size),
  offset: size,
  count: size,
  input: z.string(),
}

export const trainedParameter = z.strictObject({
  ...parameterFields,
  ...stateTensor.shape,
  /** The optimizer's slots in its order. */
  slots: z.array(stateTensor),
  average: stateTensor.exactOptional(),
  /** Where FedProx pulls it back to: an input that stays the same. */
  anchor: z.string().exactOptional(),
  /** SCAFFOLD's c − cᵢ: an input that stays the same. */
  control: z.string().exactOptional(),
  /** A running mean or variance: the forward pass moves it, no optimizer. */
  isStatistic: z.literal(true).exactOptional(),
  /** All that a run changes of it comes in and goes out as one row, [1, count]. */
  isRow: z.literal(true).exactOptional(),
})

export const artifactMetadataSchema = z.strictObject({
  form: z.literal('scan'),
  ...originFields,
  ...judgedFields,
  ...optimizedFields,
  inputs: z.strictObject({
    ...dataFields,
    /** Rows of the data set for each step, [steps, batch], or [steps, accumulation, batch]. */
    rows: z.string(),
    /** Weight of each row, in the same shape. */
    weights: z.string(),
    /** Keys of Dropout's masks, in the shape of rows without the batch. */
    maskKeys: z.string().exactOptional(),
    ...scheduleFields,
  }),
  outputs: z.strictObject({ losses: z.string() }),
  parameters: z.array(trainedParameter),
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

/** The shape of the stateTensors. */
export function stateShape({
  shape,
  isRow,
}: Pick<ArtifactMetadata['parameters'][number], 'shape' | 'isRow'>): readonly number[] {
  return isRow ? singleRow(shape) : shape
}

/** The file of a graph that says itself what it is. */
export function encodeForm(graph: GraphProto, metadata: object): Uint8Array {
  return encodeModel(
    buildModel({
      graph,
      opset: OPSET_MAX,
      metadata: { [METADATA_KEY]: JSON.stringify(metadata) },
    }),
  )
}

/** What a training artifact says of itself. Fails with MODEL_INVALID for any other file. */
export function readTrainingArtifact(bytes: Uint8Array): ArtifactMetadata {
  return readMetadata(bytes, artifactMetadataSchema)
}

export function readMetadata<Schema extends z.ZodType>(
  bytes: Uint8Array,
  schema: Schema,
): z.output<Schema> {
  const entry = decodeModel(bytes).metadataProps.find(({ key }) => key === METADATA_KEY)
  if (!entry?.value) {
    throw new GainnetError('MODEL_INVALID', `not a training artifact: it has no ${METADATA_KEY}`)
  }
  try {
    return schema.parse(JSON.parse(entry.value))
  } catch (error) {
    throw new GainnetError(
      'MODEL_INVALID',
      `the artifact's ${METADATA_KEY} cannot be read: ${messageOf(error)}`,
      {},
      { cause: error },
    )
  }
}
