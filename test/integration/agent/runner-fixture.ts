import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { AssignmentRunner } from '../../../agent/assignment/assignment-runner.ts'
import type { LearnedUpdate } from '../../../agent/assignment/consumption.ts'
import { TrainerPool } from '../../../agent/assignment/trainer-pool.ts'
import { applyUplinkPower } from '../../../agent/radio/transmit-power.ts'
import { openSamples } from '../../../agent/samples/samples.ts'
import { TextFolderSensor } from '../../../agent/sensors/text-folder-sensor.ts'
import type { UploadOutcome } from '../../../agent/transfer/update-upload.ts'
import type { Content } from '../../../protocol/messages.ts'
import type { Clock } from '../../../runtime/clock.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'
import { openLimits } from '../../support/trainer-limits.ts'
import { waitFor } from '../../support/wait-for.ts'
import { BLOBS, TEXT } from './tiny-model.ts'

export const OFFSET_MS = 5000
const STORED: UploadOutcome = { status: 'stored', sentBytes: 1, durationMs: 1 }

/** A runner with a real sensor and real trainers; its statuses, updates and moods are kept. */
export async function startRunner(o: {
  readonly clock: Clock
  readonly memoryBytesMax?: number
  /** Of the trainer's process; more than it takes where left out. */
  readonly trainerBytesMax?: number
  readonly bytesPerSecond?: number
  readonly upload?: () => Promise<UploadOutcome>
}) {
  const { clock, bytesPerSecond = 2000, upload = async () => STORED } = o
  const { log } = testLog()
  const path = temporaryDirectory()
  writeFileSync(join(path, 'words.txt'), TEXT)
  const sensor = new TextFolderSensor({ id: 'text', path, bytesPerSecond, seed: 1, clock, log })
  const samples = await openSamples(
    { samples: { bytesMax: 2 ** 24 }, labels: [] },
    { folder: temporaryDirectory(), sensors: [sensor], log },
  )
  const limits = openLimits(o.trainerBytesMax ? { memoryBytesMax: o.trainerBytesMax } : {})
  const trainers = new TrainerPool({ niceness: 0, limits, idleMsMax: 60_000, log })
  const statuses: Content<'assignmentStatus'>[] = []
  const updates: LearnedUpdate[] = []
  const moods: boolean[] = []
  const runner = new AssignmentRunner({
    clock,
    offsetMs: () => OFFSET_MS,
    sensors: [sensor],
    samples,
    trainers,
    memoryBytesMax: o.memoryBytesMax ?? 512 * 2 ** 20,
    fetchBlob: async ({ sha256 }) => {
      const bytes = BLOBS.get(sha256)
      if (!bytes) throw new Error(`no blob ${sha256}`)
      return bytes
    },
    upload: update => {
      updates.push(update)
      return upload()
    },
    // The operator wants advice only.
    applyPower: advice => applyUplinkPower(advice, { interfaceName: 'lo', mayApply: false }),
    report: status => statuses.push(status),
    onBusy: isBusy => moods.push(isBusy),
    log,
  })
  onTestFinished(async () => {
    await runner.stop()
    await trainers.stop()
  })
  /** What was said of one part, e.g. 'accepted', 'progress train', 'done'. */
  const said = (part: 'sense' | 'consume', crId: number): string[] =>
    statuses
      .filter(status => status.part === part && status.crId === crId)
      .map(({ status, phase }) => (phase ? `${status} ${phase}` : status))
  const reported = (part: 'sense' | 'consume', crId: number) =>
    waitFor(
      () =>
        statuses.find(
          ({ status, ...one }) =>
            one.part === part &&
            one.crId === crId &&
            ['done', 'failed', 'refused'].includes(status),
        ),
      { what: `${part} of CR ${crId} is over` },
    )
  return { runner, sensor, trainers, statuses, updates, moods, said, reported }
}
