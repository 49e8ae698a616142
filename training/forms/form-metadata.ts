import { z } from 'zod'
import {
  artifactMetadataSchema,
  dataFields,
  judgedFields,
  optimizedFields,
  originFields,
  parameterFields,
  readMetadata,
  scheduleFields,
  trainedParameter,
} from './artifact-metadata.ts'

/** One batch: samples, labels, and the weight of each row. */
const batchInputs = { ...dataFields, weights: z.string() }

/** The key of Dropout's masks, or one for each part of an accumulated batch. */
export const maskFields = { maskKeys: z.string().exactOptional() }

export const stepMetadataSchema = z.strictObject({
  form: z.literal('step'),
  ...originFields,
  ...judgedFields,
  ...optimizedFields,
  inputs: z.strictObject({ ...batchInputs, ...maskFields, ...scheduleFields }),
  outputs: z.strictObject({ loss: z.string() }),
  parameters: z.array(trainedParameter),
})

/** Outputs of a form that judges a batch: the weighted mean, and what it was divided by. */
const judgement = { loss: z.string(), weightSum: z.string() }

const { flopsPerSample, ...moved } = optimizedFields

export const gradientMetadataSchema = z.strictObject({
  form: z.literal('grad'),
  ...originFields,
  ...judgedFields,
  flopsPerSample,
  inputs: z.strictObject({ ...batchInputs, ...maskFields }),
  outputs: z.strictObject(judgement),
  /** `gradient`: the output with the mean gradient of the batch. */
  parameters: z.array(z.strictObject({ ...parameterFields, gradient: z.string() })),
})

export const applyMetadataSchema = z.strictObject({
  form: z.literal('apply'),
  ...originFields,
  ...moved,
  inputs: z.strictObject(scheduleFields),
  /** `gradient`: the input that takes it. */
  parameters: z.array(trainedParameter.extend({ gradient: z.string() })),
})

export const evaluationMetadataSchema = z.strictObject({
  form: z.literal('eval'),
  ...originFields,
  ...judgedFields,
  inputs: z.strictObject(batchInputs),
  outputs: z.strictObject({ ...judgement, prediction: z.string() }),
  parameters: z.array(z.strictObject(parameterFields)),
})

export const inferenceMetadataSchema = z.strictObject({
  form: z.literal('infer'),
  ...originFields,
})

const formMetadataSchema = z.discriminatedUnion('form', [
  artifactMetadataSchema,
  stepMetadataSchema,
  gradientMetadataSchema,
  applyMetadataSchema,
  evaluationMetadataSchema,
  inferenceMetadataSchema,
])

export type FormMetadata = z.output<typeof formMetadataSchema>
export type StepMetadata = z.output<typeof stepMetadataSchema>
export type GradientMetadata = z.output<typeof gradientMetadataSchema>
export type ApplyMetadata = z.output<typeof applyMetadataSchema>
export type EvaluationMetadata = z.output<typeof evaluationMetadataSchema>

/** What any form says of itself. Fails with MODEL_INVALID for a file that is none. */
export function readFormMetadata(bytes: Uint8Array): FormMetadata {
  return readMetadata(bytes, formMetadataSchema)
}
