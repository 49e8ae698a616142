import { z } from 'zod'
import { envelope, Hash, Id, Time } from './envelope.ts'
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

/** The current version of a domain-specific model: what an agent needs to fetch and train it. */
export const ModelManifest = z.strictObject({
  ...envelope,
  modelId: Id,
  version: Hash.describe('SHA-256 of the parameters.'),
  versionNumber: z.int().min(0),
  parent: Hash.nullable(),
  publishedAt: Time,
  objective: z.literal('next-byte'),
  contextBytes: z.int().min(1).max(4096),
  training: BlobReference.describe('ONNX graph of training steps, see training/README.md.'),
  parameters: BlobReference.describe('float32 little-endian, in the order that the graph names.'),
  flopsPerSample: z.number().positive().describe('Forward and backward, one sample, one epoch.'),
  targetSketch: DataSketch,
  bitsPerByte: z.number().nonnegative().optional().describe('On held-back text.'),
})
export type ModelManifest = z.infer<typeof ModelManifest>
