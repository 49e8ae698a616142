import type { Judgement, ModelObjective } from '../../protocol/model-manifest.ts'
import type { RoundModel } from '../../protocol/round-record.ts'
import { judgedFields } from '../models/judged.ts'
import type { VersionRecord } from '../models/model-library.ts'

/** A version that a round has made, ahead of what the held-back data say of it. */
export interface MadeVersion {
  readonly before: VersionRecord
  readonly after: VersionRecord
  readonly contributions: number
  readonly sampleCount: number
  readonly objective: ModelObjective
  readonly evaluatedBefore: Promise<Judgement | null> | undefined
  readonly evaluated: Promise<Judgement | null>
}

export async function roundModelOf(version: MadeVersion): Promise<RoundModel> {
  const { before, after, contributions, sampleCount, objective, evaluated } = version
  const judgementBefore = await version.evaluatedBefore
  return {
    modelId: after.modelId,
    versionBefore: before.version,
    versionAfter: after.version,
    versionNumber: after.versionNumber,
    contributions,
    sampleCount,
    samplesAbsorbed: after.samplesAbsorbed,
    ...(judgementBefore ? { judgementBefore } : {}),
    ...judgedFields(objective, await evaluated),
  }
}
