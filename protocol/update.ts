import { z } from 'zod'
import { PhaseInterval } from './assignment.ts'
import { envelope, Hash, Id } from './envelope.ts'
import { UPDATE_ENCODINGS } from './update-encoding/encodings.ts'

/**
 * Largest block of a blob or an update. Larger blocks cost fewer round trips, smaller ones less
 * memory on a board; brokers refuse packets over their own limit.
 */
export const BLOCK_BYTES_MAX = 256 * 1024

/** What was learned in one GAI round, ahead of its blocks. */
export const UpdateManifest = z.strictObject({
  ...envelope,
  grId: z.int().min(0),
  crId: z.int().min(0).describe('CR in which it was trained.'),
  modelId: Id,
  baseVersion: Hash.describe('Version that training started from.'),
  sampleCount: z.int().min(1),
  localSteps: z.int().min(1),
  lossBefore: z.number(),
  lossAfter: z.number(),
  phases: z.array(PhaseInterval).max(16),
  encoding: z.enum(UPDATE_ENCODINGS),
  form: z
    .enum(['whole', 'change'])
    .describe('Parameters as they are, or what is to be added to those of the base version.'),
  valueCount: z.int().min(1).describe('Parameters of the model.'),
  bytes: z.int().min(1),
  sha256: Hash,
  blockBytes: z.int().min(1).max(BLOCK_BYTES_MAX),
  blockHashes: z.array(Hash).min(1).max(65536),
})
export type UpdateManifest = z.infer<typeof UpdateManifest>

/** The controller's answer to a manifest and to its blocks. */
export const UpdateAck = z.strictObject({
  ...envelope,
  grId: z.int().min(0),
  sha256: Hash,
  status: z.enum(['wanted', 'stored', 'refused']),
  wanted: z
    .instanceof(Uint8Array)
    .optional()
    .describe('Bitmap of the blocks still wanted, bit n of byte n >> 3, least first.'),
  reason: z.string().max(300).optional(),
})
export type UpdateAck = z.infer<typeof UpdateAck>
