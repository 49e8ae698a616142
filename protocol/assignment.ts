import { z } from 'zod'
import { envelope, Hash, Id, Time } from './envelope.ts'

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
  slots: SlotRange,
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
  uploadBitsMax: z.int().positive(),
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

/** Ends of the interval in which a phase ran, on the controller's clock. */
export const PhaseInterval = z.strictObject({
  phase: z.enum(['sense', 'download', 'train', 'upload']),
  startedAt: Time,
  endedAt: Time,
  cpuSeconds: z.number().nonnegative().optional(),
  bytes: z.int().nonnegative().optional(),
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
})
export type AssignmentStatus = z.infer<typeof AssignmentStatus>

/**
 * Whether a part of an assignment is over with this: then the agent keeps the message until the
 * controller has confirmed it. What is said before is of the moment and never repeated.
 */
export function isEnd(status: AssignmentStatus['status']): boolean {
  return status !== 'accepted' && status !== 'progress'
}
