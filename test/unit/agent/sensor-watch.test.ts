import { expect, test } from 'vitest'
import { type SensorChange, SensorWatch } from '../../../agent/sensors/sensor-watch.ts'
import { testLog } from '../../support/test-log.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

/** Something that is there or not, and tells of it or not. */
function watched() {
  const clock = new VirtualClock()
  const { log } = testLog()
  const changes: (SensorChange & { readonly atMs: number })[] = []
  const state = { isThere: true, status: 'lost' as 'ok' | 'lost', opened: 0 }
  const sensor = {
    id: 'radar',
    get status() {
      return state.status
    },
    reason: 'its cable was pulled',
    async open() {
      state.opened += 1
      if (!state.isThere) throw new Error('it is not there')
      state.status = 'ok'
    },
    async close() {},
  }
  const onChange = (change: SensorChange) => changes.push({ ...change, atMs: clock.now() })
  const watch = new SensorWatch({ sensor, seed: 3, clock, log, onChange })
  const lose = () => {
    state.isThere = false
    state.status = 'lost'
  }
  return { clock, watch, state, changes, lose }
}

test('a loss that the sensor tells of is told at once, with its reason', async () => {
  const { clock, watch, changes, lose } = watched()
  await watch.start()
  lose()
  const atMs = clock.now()
  watch.changed()
  expect(changes).toEqual([
    { sensor: 'radar', status: 'lost', reason: 'its cable was pulled', atMs },
  ])
  await watch.stop()
})

test('what comes back by itself is told at once, and nobody opens it', async () => {
  const { clock, watch, state, changes, lose } = watched()
  await watch.start()
  lose()
  watch.changed()
  await clock.advance(3000)
  const { opened } = state
  state.status = 'ok'
  watch.changed()
  expect(changes.map(({ status }) => status)).toEqual(['lost', 'ok'])
  expect(state.opened).toBe(opened)
  await watch.stop()
})

test('however long it was away, it is in use within three seconds of its return', async () => {
  for (const awayMs of [500, 5000, 3_600_000]) {
    const { clock, watch, state, changes, lose } = watched()
    await watch.start()
    lose()
    watch.changed()
    await clock.advance(awayMs)
    state.isThere = true
    const backMs = clock.now()
    await clock.advance(3000)
    const found = changes.at(-1)
    expect(found?.status).toBe('ok')
    expect((found?.atMs ?? Number.NaN) - backMs).toBeLessThanOrEqual(3000)
    await watch.stop()
  }
})

test('a loss during its opening is told when that has ended', async () => {
  const { watch, state, changes, lose } = watched()
  state.isThere = false
  const started = watch.start()
  lose()
  watch.changed()
  await started
  expect(changes.map(({ reason }) => reason)).toEqual(['it is not there'])
  await watch.stop()
})
