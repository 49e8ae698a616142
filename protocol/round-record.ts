import { z } from 'zod'
import { PhaseInterval } from './assignment.ts'
import { envelope, Hash, Id, Time } from './envelope.ts'

/** One device's part in a round: what it was given, why, and what came of it. */
export const RoundChoice = z.strictObject({
  agentId: Id,
  modelId: Id.nullable().describe('Model to sense for, null = idle.'),
  gain: z.number().nonnegative(),
  workload: z.int().nonnegative(),
  correlation: z.number().min(0).max(1).optional(),
  reason: z.string().max(500),
})
export type RoundChoice = z.infer<typeof RoundChoice>

/** Used over granted: 1 is just the grant. Left out where nothing was granted or nothing is known. */
export const UseShares = z.strictObject({
  download: z.number().nonnegative().optional().describe('Bytes.'),
  computing: z.number().nonnegative().optional().describe('CPU seconds over the compute slots.'),
  upload: z.number().nonnegative().optional().describe('Bytes.'),
  memory: z.number().nonnegative().optional().describe('Greatest resident set of the trainer.'),
  overrunMs: z.number().nonnegative().optional().describe('Work after the end of its slots.'),
})
export type UseShares = z.infer<typeof UseShares>

export const RoundContribution = z.strictObject({
  agentId: Id,
  grId: z.int().min(0),
  modelId: Id,
  outcome: z.enum(['aggregated', 'late', 'refused', 'failed', 'lost']),
  reason: z.string().max(300).optional(),
  sampleCount: z.int().nonnegative().optional(),
  lossBefore: z.number().optional(),
  lossAfter: z.number().optional(),
  lateMs: z.number().optional(),
  bytes: z.int().nonnegative().optional(),
  phases: z.array(PhaseInterval).max(16).optional(),
  use: UseShares.optional(),
})
export type RoundContribution = z.infer<typeof RoundContribution>

export const RoundModel = z.strictObject({
  modelId: Id,
  versionBefore: Hash,
  versionAfter: Hash,
  versionNumber: z.int().min(0),
  contributions: z.int().nonnegative(),
  sampleCount: z.int().nonnegative(),
  bitsPerByte: z.number().nonnegative().optional(),
})
export type RoundModel = z.infer<typeof RoundModel>

/** What happened in one communication round; kept on disk and published. */
export const RoundRecord = z.strictObject({
  ...envelope,
  crId: z.int().min(0),
  startedAt: Time,
  endedAt: Time,
  policy: z.string().max(40),
  gain: z.number().nonnegative(),
  bound: z.number().nonnegative(),
  gap: z.number().min(0).max(1).describe('(bound - gain) / bound, 0 where the bound is 0.'),
  choices: z.array(RoundChoice).max(10_000),
  contributions: z.array(RoundContribution).max(10_000),
  models: z.array(RoundModel).max(1000),
  excluded: z
    .array(z.strictObject({ agentId: Id, reason: z.string().max(300) }))
    .max(10_000)
    .describe('Agents that took no part, e.g. because their URP was stale.'),
  overlapRatio: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Share of consumption time during which the same device also sensed.'),
})
export type RoundRecord = z.infer<typeof RoundRecord>
