import { z } from 'zod'
import { envelope, Hash, Id, Time } from './envelope.ts'
import { UpdateCompression } from './update-encoding/compression.ts'
import { UplinkPower, UplinkPowerUse } from './uplink-power.ts'

/** Slots [from, to) of the communication round, counted from 0. */
export const SlotRange = z
  .tuple([z.int().nonnegative(), z.int().nonnegative()])
  .refine(([from, to]) => from <= to, 'the end lies before the start')
export type SlotRange = z.infer<typeof SlotRange>

/** Sense now for GAI round `grId`; the samples are consumed in the next CR. */
export const SenseOrder = z.strictObject({
  grId: z.int().min(0),
  modelId: Id,
  sensor: Id,
  slots: z
    .array(SlotRange)
    .min(1)
    .max(64)
    .describe('Runs of slots, in their order; between them nothing is recorded.'),
  rowsPerSecond: z.number().positive().optional().describe('Rate to sense at; all when absent.'),
  blocks: z
    .array(z.int().nonnegative())
    .max(512)
    .optional()
    .describe('Resource blocks that a radio may sense in.'),
  samplesWanted: z.int().min(1),
})
export type SenseOrder = z.infer<typeof SenseOrder>

/** Download, train and upload what was sensed for GAI round `grId` in the CR before. */
export const ConsumeOrder = z.strictObject({
  grId: z.int().min(0),
  modelId: Id,
  version: Hash,
  mode: z.literal('full'),
  downloadSlots: SlotRange,
  computeSlots: SlotRange,
  uploadSlots: SlotRange,
  downloadBlocks: z.int().nonnegative().describe('Resource-block slots granted, in all.'),
  uploadBlocks: z.int().nonnegative().describe('Resource-block slots granted, in all.'),
  computingShare: z.number().min(0).describe('Units that training may keep busy, e.g. 0.5.'),
  sampleCount: z.int().min(1),
  localEpochs: z.int().min(1),
  batch: z.int().min(1).max(65536),
  learningRate: z.number().positive(),
  downloadBitsMax: z
    .int()
    .positive()
    .optional()
    .describe('Bits that the granted download blocks carry.'),
  uploadBitsMax: z.int().positive().describe('Bits that the granted upload blocks carry.'),
  compression: UpdateCompression.optional().describe('Of the update; float32, whole, when absent.'),
  uplinkPower: UplinkPower.optional().describe('Advice; absent where no SNR of the link is known.'),
  seed: z.int().min(0),
})
export type ConsumeOrder = z.infer<typeof ConsumeOrder>

export const Assignment = z.strictObject({
  ...envelope,
  crId: z.int().min(0),
  sense: SenseOrder.nullable(),
  consume: ConsumeOrder.nullable(),
  reason: z.string().max(500).describe('Why this model, for people.'),
})
export type Assignment = z.infer<typeof Assignment>

/** How much of something was used, beside how much of it was granted. */
const Use = z.strictObject({ used: z.number().nonnegative(), granted: z.number().nonnegative() })

/** What one phase of a consumption used of its grant. A part that was not granted is left out. */
export const PhaseUse = z.strictObject({
  slots: Use.describe('Of wall time; used from the start of work to its end.'),
  rows: Use.optional().describe('Of sensing: recorded, and those that the order asks for.'),
  bytes: Use.optional().describe('Let go on the link, headers of MQTT included.'),
  cpuSeconds: Use.optional().describe('Of the trainer.'),
  memoryBytes: Use.optional().describe('Greatest resident set of the trainer, and its limit.'),
  loadCpuSeconds: z
    .number()
    .nonnegative()
    .optional()
    .describe('Of the trainer before its slots: taking in graph and samples.'),
  overrunMs: z.number().nonnegative().optional().describe('Work after the end of the slots.'),
  overrunBytes: z.number().nonnegative().optional().describe('After the end of the slots.'),
})
export type PhaseUse = z.infer<typeof PhaseUse>

/** Ends of the interval in which a phase ran, on the controller's clock. */
export const PhaseInterval = z.strictObject({
  phase: z.enum(['sense', 'download', 'train', 'upload']),
  startedAt: Time,
  endedAt: Time,
  cpuSeconds: z.number().nonnegative().optional(),
  bytes: z.int().nonnegative().optional(),
  use: PhaseUse.optional(),
})
export type PhaseInterval = z.infer<typeof PhaseInterval>

export const AssignmentStatus = z.strictObject({
  ...envelope,
  crId: z.int().min(0),
  grId: z.int().min(0),
  part: z.enum(['sense', 'consume']),
  modelId: Id,
  status: z.enum(['accepted', 'refused', 'progress', 'done', 'failed']),
  phase: z.enum(['sense', 'download', 'train', 'upload']).optional(),
  reason: z.string().max(300).optional().describe('Why refused or failed, with the number.'),
  sampleCount: z.int().nonnegative().optional(),
  interval: PhaseInterval.optional(),
  uplinkPower: UplinkPowerUse.optional().describe('What became of the advice, with an upload.'),
})
export type AssignmentStatus = z.infer<typeof AssignmentStatus>

/**
 * Whether a part of an assignment is over with this: then the agent keeps the message until the
 * controller has confirmed it. What is said before is of the moment and never repeated.
 */
export function isEnd(status: AssignmentStatus['status']): boolean {
  return status !== 'accepted' && status !== 'progress'
}
