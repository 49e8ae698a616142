import { z } from 'zod'
import { envelope, Hash, Id, Time } from './envelope.ts'
import { SampleSpec } from './sample-spec.ts'
import { BLOCK_BYTES_MAX } from './update.ts'
import { DataSketch } from './urp.ts'

/** Bytes named by their SHA-256, published once for the whole fleet in blocks. */
export const BlobReference = z.strictObject({
  sha256: Hash,
  bytes: z.int().min(1),
  blockBytes: z.int().min(1).max(BLOCK_BYTES_MAX),
  blocks: z.int().min(1).max(65536),
})
export type BlobReference = z.infer<typeof BlobReference>

/** What a model learns of a sample. */
export const ModelObjective = z.enum(['next-byte', 'classes', 'next-row', 'reconstruction'])
export type ModelObjective = z.infer<typeof ModelObjective>

/** How a version does on the held-back data. */
export const Judgement = z.strictObject({
  lossMean: z.number().describe('Of the loss that it is trained by; nats where it is of classes.'),
  accuracy: z.number().min(0).max(1).optional().describe('Share of classes that it tells right.'),
})
export type Judgement = z.infer<typeof Judgement>

/** The current version of a domain-specific model: what an agent needs to fetch and train it. */
export const ModelManifest = z.strictObject({
  ...envelope,
  modelId: Id,
  version: Hash.describe('SHA-256 of the parameters.'),
  versionNumber: z.int().min(0),
  parent: Hash.nullable(),
  publishedAt: Time,
  objective: ModelObjective,
  takes: SampleSpec.describe('How samples are cut from the rows of a sensor.'),
  sensorKinds: z
    .array(z.string().max(40))
    .max(32)
    .describe('Kinds of sensors that it learns from; all whose rows fit when empty.'),
  training: BlobReference.describe('ONNX graph of training steps, see training/README.md.'),
  parameters: BlobReference.describe('float32 little-endian, in the order that the graph names.'),
  flopsPerSample: z.number().positive().describe('Forward and backward, one sample, one epoch.'),
  targetSketch: DataSketch,
  judgement: Judgement.optional().describe('Absent until this version was judged.'),
  bitsPerByte: z.number().nonnegative().optional().describe('The same, of a model of bytes.'),
})
export type ModelManifest = z.infer<typeof ModelManifest>
