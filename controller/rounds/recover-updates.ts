import type { Clock } from '../../runtime/clock.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Aggregator, ReceivedUpdate } from '../aggregate/aggregator.ts'
import type { ModelLibrary } from '../models/model-library.ts'
import type { UpdateIntake } from '../transfer/update-intake.ts'

/**
 * Updates that an earlier life of the controller had told agents were stored, and then died with:
 * those that were trained from what still is the current version are averaged now, the others are
 * of no use to anybody.
 */
export async function recoverUpdates(o: {
  readonly intake: UpdateIntake
  readonly library: ModelLibrary
  readonly aggregator: Aggregator
  readonly clock: Clock
  readonly log: Logger
}): Promise<void> {
  const { intake, library, aggregator, clock, log } = o
  const byModel = new Map<string, ReceivedUpdate[]>()
  const updates = intake.unreleased()
  for (const update of updates) {
    const { modelId, baseVersion, sampleCount, form } = update.manifest
    const model = library.models.find(one => one.modelId === modelId)
    const values = model?.current.version === baseVersion ? await intake.read(update) : null
    if (values?.length !== model?.parameterCount || !values) continue
    const parts = byModel.get(modelId) ?? []
    byModel.set(modelId, [...parts, { values, form, exampleCount: sampleCount }])
  }
  for (const [modelId, parts] of byModel) {
    const sampleCount = parts.reduce((sum, { exampleCount }) => sum + exampleCount, 0)
    const nowMs = clock.now()
    const next = await aggregator.next(modelId, parts).catch(error => {
      log.warn({ modelId, reason: messageOf(error) }, 'recovered updates make no version')
    })
    if (!next) continue
    const { parameters, moments } = next
    const version = await library.addVersion(modelId, parameters, { moments, sampleCount, nowMs })
    const { versionNumber } = version
    log.info({ modelId, versionNumber, contributions: parts.length }, 'updates recovered')
  }
  await library.settled()
  for (const update of updates) await intake.release(update)
}
