import { z } from 'zod'
import { PhaseInterval } from './assignment.ts'
import { envelope, Hash, Id, Time } from './envelope.ts'
import { Judgement } from './model-manifest.ts'

/**
 * Twice as much of it would have raised the gain most; time, where only all of them together would;
 * records, where the device was not believed all that it claims.
 */
export const RoundLimit = z.enum(['time', 'spectrum', 'compute', 'data', 'correlation', 'records'])
export type RoundLimit = z.infer<typeof RoundLimit>

export const RoundAlternative = z.strictObject({
  modelId: Id,
  gain: z.number().nonnegative().describe('As if no other device served the model.'),
  workload: z.int().nonnegative(),
  correlation: z.number().min(0).max(1),
  limitedBy: RoundLimit,
})
export type RoundAlternative = z.infer<typeof RoundAlternative>

/** One device's part in a round: what it was given, why, and what came of it. */
export const RoundChoice = z.strictObject({
  agentId: Id,
  modelId: Id.nullable().describe('Model to sense for, null = idle.'),
  gain: z.number().nonnegative(),
  workload: z.int().nonnegative(),
  correlation: z.number().min(0).max(1).optional(),
  reason: z.string().max(500),
  limitedBy: RoundLimit.optional(),
  alternatives: z.array(RoundAlternative).max(3).optional().describe('Best first.'),
})
export type RoundChoice = z.infer<typeof RoundChoice>

/** Which plan a round executed: what the policy proposed, or the plan that was made beside it. */
export const RoundDecision = z.strictObject({
  executed: z.string().max(40).describe('Policy whose matching was executed.'),
  planMs: z.number().nonnegative().describe('The whole decision, the plan beside it included.'),
  rounds: z.int().min(1).optional().describe('Rounds that the promises below span.'),
  proposedGain: z.number().nonnegative().optional().describe('Promise of the proposal.'),
  besideGain: z
    .number()
    .nonnegative()
    .optional()
    .describe('Promise of the receding-horizon plan; absent where there was no time for it.'),
  outlookBound: z.number().nonnegative().optional().describe('What no plan could promise.'),
  replacedDevices: z
    .int()
    .nonnegative()
    .optional()
    .describe('Devices that got the plan in place of what a learned policy proposed.'),
  replacedCount: z
    .int()
    .nonnegative()
    .describe('Rounds since the controller started in which not all of the proposal was executed.'),
  failure: z.string().max(300).optional().describe('Why the policy proposed nothing.'),
})
export type RoundDecision = z.infer<typeof RoundDecision>

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
  samplesAbsorbed: z.number().nonnegative().optional().describe('By the version after, in all.'),
  judgementBefore: Judgement.optional().describe('Of the version before, on the held-back data.'),
  judgement: Judgement.optional().describe('Of the version after, on the held-back data.'),
  bitsPerByte: z.number().nonnegative().optional(),
})
export type RoundModel = z.infer<typeof RoundModel>

/** The learning curve that the gains of a model were computed with, fitted to its rounds before. */
export const RoundCurve = z.strictObject({
  modelId: Id,
  exponent: z.number().positive(),
  exponentSpread: z.number().nonnegative().describe('Standard deviation.'),
  effectiveSamplesPrior: z.number().positive().describe('Samples that its first version is worth.'),
  effectiveSamplesFactor: z
    .number()
    .min(1)
    .describe('One standard deviation to either side multiplies or divides them by this.'),
  versions: z.int().min(2).describe('Judged versions that it was fitted to.'),
})
export type RoundCurve = z.infer<typeof RoundCurve>

/** When a device sensed in a round: beside the phases of the contributions, its timeline. */
export const RoundSensing = z.strictObject({
  agentId: Id,
  modelId: Id,
  sampleCount: z.int().nonnegative(),
  interval: PhaseInterval,
})
export type RoundSensing = z.infer<typeof RoundSensing>

/** What happened in one communication round; kept on disk and published. */
export const RoundRecord = z.strictObject({
  ...envelope,
  crId: z.int().min(0),
  startedAt: Time,
  endedAt: Time,
  policy: z.string().max(40),
  schedule: z.enum(['zeros', 'serial']).optional(),
  gain: z.number().nonnegative(),
  bound: z.number().nonnegative(),
  gap: z.number().min(0).max(1).describe('(bound - gain) / bound, 0 where the bound is 0.'),
  decision: RoundDecision.optional(),
  choices: z.array(RoundChoice).max(10_000),
  contributions: z.array(RoundContribution).max(10_000),
  sensing: z
    .array(RoundSensing)
    .max(10_000)
    .optional()
    .describe('For the GAI round with the number of this CR.'),
  models: z.array(RoundModel).max(1000),
  curves: z
    .array(RoundCurve)
    .max(1000)
    .optional()
    .describe('Of models of which enough is known; the others have that of the configuration.'),
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
