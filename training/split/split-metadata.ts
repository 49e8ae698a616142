import { z } from 'zod'
import {
  dataFields,
  judgedFields,
  optimizedFields,
  originFields,
  parameterFields,
  readMetadata,
  scheduleFields,
  trainedParameter,
} from '../forms/artifact-metadata.ts'
import { maskFields } from '../forms/form-metadata.ts'

/** A value of a cut, and what it and its gradient are called in the forms on both sides. */
export const cutValue = z.strictObject({
  name: z.string(),
  elementType: z.int(),
  shape: z.array(z.int().nonnegative()),
  value: z.string(),
  /** Left out where nothing before the cut is trained, or the value is of integers. */
  gradient: z.string().exactOptional(),
})

export type CutValue = z.output<typeof cutValue>

const splitFields = {
  ...originFields,
  batch: judgedFields.batch,
  /** From the model's input on, counted from 0. */
  segment: z.int().nonnegative(),
  segmentCount: z.int().positive(),
}

/** The values of the cut before the segment; the samples, where there is none. */
const given = { samples: dataFields.samples, given: z.array(cutValue), ...maskFields }
const made = z.array(cutValue)

/** Parameters and `given` in, the values of `made` out. */
const forwardSchema = z.strictObject({
  form: z.literal('split-forward'),
  ...splitFields,
  inputs: z.strictObject(given),
  outputs: z.strictObject({ made }),
  parameters: z.array(z.strictObject(parameterFields)),
})

const trained = {
  optimizer: optimizedFields.optimizer,
  parameters: z.array(trainedParameter),
}

/** States, `given` and the gradients of `made` in; states and the gradients of `given` out. */
const backwardSchema = z.strictObject({
  form: z.literal('split-backward'),
  ...splitFields,
  ...trained,
  inputs: z.strictObject({ ...given, made, scalars: scheduleFields.scalars }),
  outputs: z.strictObject({ given: z.array(cutValue) }),
})

/** States, `given`, labels and weights in; states, the loss and the gradients of `given` out. */
const stepSchema = z.strictObject({
  form: z.literal('split-step'),
  ...splitFields,
  ...trained,
  loss: judgedFields.loss,
  inputs: z.strictObject({
    ...given,
    labels: dataFields.labels,
    weights: z.string(),
    scalars: scheduleFields.scalars,
  }),
  outputs: z.strictObject({ loss: z.string(), given: z.array(cutValue) }),
})

const splitMetadataSchema = z.discriminatedUnion('form', [
  backwardSchema,
  forwardSchema,
  stepSchema,
])

export type SplitMetadata = z.output<typeof splitMetadataSchema>

/** What a form of a split model says of itself. Fails with MODEL_INVALID for any other file. */
export function readSplitMetadata(bytes: Uint8Array): SplitMetadata {
  return readMetadata(bytes, splitMetadataSchema)
}

/** Checks what a form is about to say of itself. */
export function parseSplitMetadata(metadata: SplitMetadata): SplitMetadata {
  return splitMetadataSchema.parse(metadata)
}
