import { describe, expect, test } from 'vitest'
import type { TrainerPool } from '../../../agent/assignment/trainer-pool.ts'
import type { SlotRange } from '../../../protocol/assignment.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { waitFor } from '../../support/wait-for.ts'
import { assignmentOf, consumeOf, senseOf } from '../../unit/agent/orders.ts'
import { childrenOfThisProcess } from './child-census.ts'
import { OFFSET_MS, startRunner } from './runner-fixture.ts'
import { BATCH, initialParameters, manifest } from './tiny-model.ts'

/** Long enough for a busy machine to load and train a tiny model in most of a round. */
const CUT = { slots: 10, slotMs: 700 }
const consume = consumeOf({
  version: manifest.version,
  batch: BATCH,
  computeSlots: [2, 9],
  uploadSlots: [3, 10],
})

const slots = (from: number, to: number): SlotRange => [from, to]

async function warmUp(trainers: TrainerPool): Promise<void> {
  const loan = trainers.lend()
  await loan.trainer
  loan.release()
}

describe('two rounds', () => {
  test('what is sensed in one is trained on in the next, beside new sensing', async () => {
    const side = await startRunner({ clock: systemClock })
    const { runner, sensor, trainers, updates, moods, said, reported } = side
    // The first trainer of a life takes its time, which is not what is looked at here.
    await Promise.all([sensor.open(), warmUp(trainers)])
    runner.onManifest(manifest)
    const roundNow = (crId: number) => ({ crId, startsAtMs: systemClock.now(), ...CUT })
    runner.onAssignment(assignmentOf(7, { sense: senseOf() }), roundNow(7))
    expect(await reported('sense', 7)).toMatchObject({ status: 'done', sampleCount: 500 })
    const second = roundNow(8)
    const sense = senseOf({ grId: 8 })
    const figures = { reason: '', shares: [1], snrDb: 10, changeDb: 3 }
    const uplinkPower = { ...figures, method: 'even' as const }
    runner.onAssignment(assignmentOf(8, { sense, consume: { ...consume, uplinkPower } }), second)
    expect(await reported('consume', 8)).toMatchObject({
      status: 'done',
      sampleCount: 400,
      uplinkPower: { status: 'advice', reason: 'transmitPower is advice in the configuration' },
    })
    await reported('sense', 8)
    const [accepted, ...phasesSaid] = said('consume', 8)
    expect([accepted, phasesSaid.pop()]).toEqual(['accepted', 'done'])
    // Of a phase that takes no time nothing is said before the end.
    const inOrder = ['progress download', 'progress train', 'progress upload']
    expect(phasesSaid).toEqual(inOrder.filter(phase => phasesSaid.includes(phase)))
    expect(moods.filter(isBusy => !isBusy)).toHaveLength(2)
    const [update] = updates
    const { phases = [], ...learned } = update?.learned ?? {}
    expect(learned).toEqual({
      grId: 7,
      crId: 8,
      modelId: 'prose',
      baseVersion: manifest.version,
      sampleCount: 400,
      localSteps: Math.ceil(400 / BATCH),
      lossBefore: expect.any(Number),
      lossAfter: expect.any(Number),
      encoding: 'float32',
      form: 'whole',
      valueCount: initialParameters.length,
    })
    expect(update?.payload).toHaveLength(initialParameters.length * 4)
    // Each phase in its own slots, on the clock of the controller.
    const slotOf = (time: string): number =>
      (Date.parse(time) - OFFSET_MS - second.startsAtMs) / CUT.slotMs
    expect(phases.map(({ phase }) => phase)).toEqual(['download', 'train'])
    const [download, train] = phases
    expect(slotOf(download?.startedAt ?? '')).toBeGreaterThanOrEqual(0.99)
    expect(slotOf(train?.startedAt ?? '')).toBeGreaterThanOrEqual(1.99)
    expect(slotOf(train?.endedAt ?? '')).toBeLessThan(9)
  })
})

test('a run that a stall of the board left behind takes nothing from the next one', async () => {
  const side = await startRunner({ clock: systemClock })
  const { runner, sensor, trainers, said, reported } = side
  await Promise.all([sensor.open(), warmUp(trainers)])
  runner.onManifest(manifest)
  const roundNow = (crId: number) => ({ crId, startsAtMs: systemClock.now(), ...CUT })
  runner.onAssignment(assignmentOf(7, { sense: senseOf({ grId: 7 }) }), roundNow(7))
  await reported('sense', 7)
  // With so small a share it rests until its slots end.
  const slow = { ...consume, grId: 7, computingShare: 1e-6 }
  const sense = senseOf({ grId: 8 })
  runner.onAssignment(assignmentOf(8, { sense, consume: slow }), roundNow(8))
  await reported('sense', 8)
  await waitFor(() => said('consume', 8).includes('progress train'), { what: 'it trains' })
  const next = { ...consume, grId: 8 }
  runner.onAssignment(assignmentOf(9, { consume: next }), roundNow(9))
  expect(await reported('consume', 8)).toMatchObject({ status: 'failed', phase: 'train' })
  expect(await reported('consume', 9)).toMatchObject({ status: 'done' })
})

test('slots that are over before the first step cost the next round no trainer', async () => {
  const side = await startRunner({ clock: systemClock })
  const { runner, sensor, trainers, reported } = side
  await Promise.all([sensor.open(), warmUp(trainers)])
  const warm = childrenOfThisProcess()
  runner.onManifest(manifest)
  const roundNow = (crId: number) => ({ crId, startsAtMs: systemClock.now(), ...CUT })
  runner.onAssignment(assignmentOf(7, { sense: senseOf({ grId: 7 }) }), roundNow(7))
  await reported('sense', 7)
  const none = { ...consume, grId: 7, downloadSlots: slots(0, 1), computeSlots: slots(1, 1) }
  runner.onAssignment(assignmentOf(8, { consume: none }), roundNow(8))
  expect(await reported('consume', 8)).toMatchObject({
    status: 'failed',
    reason: expect.stringContaining('the compute slots were over before the first step'),
  })
  expect(childrenOfThisProcess()).toEqual(warm)
})

describe('an assignment', () => {
  const clock = new VirtualClock()
  const announced = { crId: 7, startsAtMs: clock.now(), ...CUT }
  const order = (crId: number, session = 1) =>
    assignmentOf(crId, { sense: senseOf({ grId: crId }), session })

  async function taken(...ids: readonly (readonly [crId: number, session: number])[]) {
    const { runner, statuses } = await startRunner({ clock: new VirtualClock(clock.now()) })
    runner.onManifest(manifest)
    for (const [crId, session] of ids) runner.onAssignment(order(crId, session), announced)
    return statuses.filter(({ status }) => status === 'accepted').map(({ crId }) => crId)
  }

  test('that comes again, or after a later one, is taken once', async () => {
    expect(await taken([7, 1], [7, 1])).toEqual([7])
  })

  test.each([
    ['an earlier round', 6],
    ['a round far in the future', 12],
    ['the next round, a whole CR early', 8],
  ])('of %s is ignored', async (_, crId) => {
    expect(await taken([crId, 1])).toEqual([])
  })

  test('of a controller that counts from 1 again is taken', async () => {
    expect(await taken([7, 1], [7, 2], [7, 1])).toEqual([7, 7])
  })

  test('is taken where our clock says that its round begins only now or in a moment', async () => {
    const late = new VirtualClock(announced.startsAtMs - 50)
    const { runner, said } = await startRunner({ clock: late })
    runner.onManifest(manifest)
    runner.onAssignment(order(7), announced)
    expect(said('sense', 7)).toEqual(['accepted'])
  })
})

describe('what cannot be done', () => {
  async function refusalOf(
    assignment: ReturnType<typeof assignmentOf>,
    o: { readonly isKnown?: boolean; readonly memoryBytesMax?: number } = {},
  ) {
    const clock = new VirtualClock()
    const side = await startRunner({ clock, memoryBytesMax: o.memoryBytesMax ?? 2 ** 30 })
    if (o.isKnown ?? true) side.runner.onManifest(manifest)
    side.runner.onAssignment(assignment, { crId: 7, startsAtMs: clock.now(), ...CUT })
    return side.statuses.map(({ status, reason }) => `${status}: ${reason}`)
  }

  test.each([
    ['another sensor', { sensor: 'camera' }, true, 'no sensor camera; there are text'],
    ['an unknown model', {}, false, 'no manifest of model prose has come'],
  ])('sensing with %s is refused in words', async (_, change, isKnown, words) => {
    const assignment = assignmentOf(7, { sense: senseOf(change) })
    expect(await refusalOf(assignment, { isKnown })).toEqual([`refused: ${words}`])
  })

  test('consuming what nobody has sensed is refused before anything is spent', async () => {
    const words = 'nothing was sensed for GAI round 7 in this life of the agent'
    expect(await refusalOf(assignmentOf(7, { consume }))).toEqual([`refused: ${words}`])
  })
})

describe('the end', () => {
  test('of a round gives up what waits for its slots, and says which phase it was', async () => {
    const clock = new VirtualClock()
    const { runner, sensor, said, statuses } = await startRunner({ clock })
    await clock.run(sensor.open())
    runner.onManifest(manifest)
    const announced = { crId: 7, startsAtMs: clock.now(), ...CUT }
    runner.onAssignment(assignmentOf(7, { sense: senseOf({ slots: [[9, 10]] }) }), announced)
    await clock.advance(1000)
    await runner.stop()
    expect(said('sense', 7)).toEqual(['accepted', 'failed sense'])
    expect(statuses.at(-1)?.reason).toContain('the agent stops')
    expect(clock.timerCount).toBe(0)
  })

  test('of the agent does not wait for an answer to an update', async () => {
    const never = new Promise<never>(() => {})
    const side = await startRunner({ clock: systemClock, upload: () => never })
    const { runner, sensor, trainers, said, reported, updates } = side
    await Promise.all([sensor.open(), warmUp(trainers)])
    runner.onManifest(manifest)
    const roundNow = (crId: number) => ({ crId, startsAtMs: systemClock.now(), ...CUT })
    runner.onAssignment(assignmentOf(7, { sense: senseOf() }), roundNow(7))
    await reported('sense', 7)
    runner.onAssignment(assignmentOf(8, { consume }), roundNow(8))
    await waitFor(() => updates.length === 1, { what: 'the update is on its way' })
    await runner.stop()
    expect(said('consume', 8).at(-1)).toBe('failed upload')
  })
})
