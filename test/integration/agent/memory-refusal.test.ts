import { expect, test } from 'vitest'
import { systemClock } from '../../../runtime/clock.ts'
import { assignmentOf, consumeOf, senseOf } from '../../unit/agent/orders.ts'
import { startRunner } from './runner-fixture.ts'
import { BATCH, manifest } from './tiny-model.ts'

const CUT = { slots: 10, slotMs: 500 }
const MIB = 2 ** 20
const consume = consumeOf({
  version: manifest.version,
  batch: BATCH,
  computeSlots: [2, 9],
  uploadSlots: [3, 10],
})

test('a model that takes more memory than the limit is refused when its graph has come', async () => {
  // Enough by the number of its parameters.
  const side = await startRunner({ clock: systemClock, memoryBytesMax: 135 * MIB })
  const { runner, sensor, said, reported, updates } = side
  await sensor.open()
  runner.onManifest(manifest)
  const roundNow = (crId: number) => ({ crId, startsAtMs: systemClock.now(), ...CUT })
  runner.onAssignment(assignmentOf(7, { sense: senseOf() }), roundNow(7))
  await reported('sense', 7)
  runner.onAssignment(assignmentOf(8, { consume }), roundNow(8))
  const refused = await reported('consume', 8)
  expect(refused).toMatchObject({ status: 'refused' })
  expect(refused.reason).toMatch(/^training needs about \d+ MiB of memory .* the limit is 135 MiB/)
  expect(said('consume', 8)).not.toContain('progress train')
  expect(updates).toHaveLength(0)
})

test('a trainer that takes more than its limit costs its order and not the agent', async () => {
  // By the estimate it fits; the process alone is larger than this.
  const side = await startRunner({ clock: systemClock, trainerBytesMax: 40 * MIB })
  const { runner, sensor, reported, updates, moods } = side
  await sensor.open()
  runner.onManifest(manifest)
  const roundNow = (crId: number) => ({ crId, startsAtMs: systemClock.now(), ...CUT })
  runner.onAssignment(assignmentOf(7, { sense: senseOf() }), roundNow(7))
  await reported('sense', 7)
  const sense = senseOf({ grId: 8 })
  runner.onAssignment(assignmentOf(8, { sense, consume }), roundNow(8))
  expect(await reported('consume', 8)).toMatchObject({
    status: 'failed',
    reason: expect.stringMatching(
      /^TRAINER_OVER_MEMORY: the trainer was ended with \d+ MiB at its limit of 40 MiB/,
    ),
  })
  expect(await reported('sense', 8)).toMatchObject({ status: 'done' })
  expect(updates).toHaveLength(0)
  expect(moods.at(-1)).toBe(false)
})
