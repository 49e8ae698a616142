import { readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { recoverUpdates } from '../../../controller/rounds/recover-updates.ts'
import { UpdateFiles } from '../../../controller/transfer/update-files.ts'
import { UpdateIntake } from '../../../controller/transfer/update-intake.ts'
import { hashOf } from '../../../protocol/blocks.ts'
import type { UpdateManifest } from '../../../protocol/update.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { startEmbedded } from '../../support/brokers.ts'
import { testLog } from '../../support/test-log.ts'
import { aggregatorOf, libraryFolder } from '../../unit/models/model-config.ts'
import { CONTROLLER, startWire, USERS } from '../wire/wire-fixture.ts'
import { updateFor } from './work-fixture.ts'

interface Change extends Partial<UpdateManifest> {
  /** Parameters of the update, all of the model's where left out. */
  readonly count?: number
}
type Stored = readonly [agentId: string, value: number, change?: Change]

/** A controller died after it had stored these updates; the next one recovers. */
async function recover(...updates: readonly Stored[]) {
  const { port } = await startEmbedded({ users: USERS })
  const { wire } = await startWire(port, CONTROLLER)
  const { log } = testLog()
  const { stateDirectory, config, open } = libraryFolder()
  const library = await open([config('prose')])
  const directory = join(stateDirectory, 'updates')
  const before = library.model('prose').current
  const files = await UpdateFiles.open(directory, log)
  for (const [agentId, value, { count, ...change } = {}] of updates) {
    const { manifest, parameters } = updateFor(library, value, change)
    const bytes = new Uint8Array(parameters.slice(0, count).buffer)
    await files.store(
      { agentId, manifest: { ...manifest, sha256: hashOf(bytes) }, storedAt: 1 },
      bytes,
    )
  }
  const intake = await UpdateIntake.open({
    wire,
    directory,
    expect: () => ({ refusal: 'none' }),
    onStored: () => {},
    onRefused: () => {},
    clock: systemClock,
    log,
  })
  const aggregator = aggregatorOf(library)
  await recoverUpdates({ intake, library, aggregator, clock: systemClock, log })
  const left = (await UpdateFiles.open(directory, log)).unreleased()
  return { library, before, left, current: library.model('prose').current }
}

test('what agents were told is stored is averaged in the next life, by samples', async () => {
  const { library, before, left, current } = await recover(
    ['a', 1, { sampleCount: 10 }],
    ['b', 5, { sampleCount: 30 }],
  )
  expect(current).toMatchObject({ parent: before.version, versionNumber: 1, samplesAbsorbed: 40 })
  expect(new Set(await library.parameters('prose'))).toEqual(new Set([4]))
  expect(left).toEqual([])
})

test.each<[string, Stored]>([
  // As when the controller died after the version was stored and before the updates were released.
  ['trained from an older version', ['a', 1, { baseVersion: 'b'.repeat(64) }]],
  ['of a model that is no longer configured', ['a', 1, { modelId: 'gone' }]],
  ['of another length', ['a', 1, { count: 7 }]],
])('an update %s is let go, and changes nothing', async (_, update) => {
  const { before, current, left } = await recover(update)
  expect(current).toEqual(before)
  expect(left).toEqual([])
})

test('where nothing was left there is no new version', async () => {
  const { before, current } = await recover()
  expect(current).toEqual(before)
})

test('an update that a power cut left half on the disk is not taken for stored', async () => {
  const { log } = testLog()
  const { stateDirectory, config, open } = libraryFolder()
  const library = await open([config('prose')])
  const directory = join(stateDirectory, 'updates')
  const { manifest, parameters } = updateFor(library, 1)
  const bytes = new Uint8Array(parameters.buffer)
  const receipt = { agentId: 'a', manifest: { ...manifest, sha256: hashOf(bytes) }, storedAt: 1 }
  await (await UpdateFiles.open(directory, log)).store(receipt, bytes)
  const [name = ''] = readdirSync(directory)
  const path = join(directory, name)
  truncateSync(path, statSync(path).size - 1)
  const files = await UpdateFiles.open(directory, log)
  expect(files.unreleased()).toEqual([])
  expect(files.receiptOf('a', manifest.grId)).toBeUndefined()
})
