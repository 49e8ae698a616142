import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ReplaySensor } from '../../../agent/sensors/replay/replay-sensor.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { npyOf } from '../../support/npy.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const RATE = 100
const ROWS = 40

/** Row r is [r, -r], its class r / 10. */
function replay() {
  const folder = temporaryDirectory()
  const [path, labels] = [join(folder, 'rows.npy'), join(folder, 'labels.npy')]
  const rows = Float32Array.from({ length: 2 * ROWS }, (_, at) => (at % 2 ? -1 : 1) * (at >> 1))
  writeFileSync(path, npyOf([ROWS, 2], rows))
  writeFileSync(
    labels,
    npyOf(
      [ROWS],
      Int32Array.from({ length: ROWS }, (_, at) => at / 10),
    ),
  )
  const clock = new VirtualClock()
  const form = { element: 'float32', shape: [2] } as const
  const sensor = new ReplaySensor({ id: 'csi', path, labels, ...form, rowsPerSecond: RATE, clock })
  const { signal } = new AbortController()
  const record = (ms: number, o: { rowsMax?: number; rowsPerSecond?: number } = {}) =>
    clock.run(sensor.record({ untilMs: clock.now() + ms, rowsMax: 10 ** 6, ...o, signal }))
  return { sensor, clock, record, path }
}

/** First values of the rows, segment by segment. */
function firsts({ segments }: Awaited<ReturnType<ReplaySensor['record']>>): number[][] {
  return segments.map(({ rows }) => {
    const values = new Float32Array(rows.slice().buffer)
    return Array.from(values.filter((_, at) => at % 2 === 0))
  })
}

const range = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, at) => from + at * step)

describe('a replayed capture', () => {
  test('comes at its pace, with times and classes, and stands still between recordings', async () => {
    const { clock, record } = replay()
    const startedAtMs = clock.now()
    const first = await record(100)
    expect(firsts(first)).toEqual([range(0, 10)])
    const [segment] = first.segments
    expect([...(segment?.atMs ?? [])].map(at => at - startedAtMs)).toEqual(range(10, 110, 10))
    expect([...(segment?.labels ?? [])]).toEqual(new Array(10).fill(0))
    await clock.advance(5000)
    expect(firsts(await record(100))).toEqual([range(10, 20)])
  })

  test('begins anew at its end, in another segment', async () => {
    const { record } = replay()
    await record(300)
    expect(firsts(await record(200))).toEqual([range(30, 40), range(0, 10)])
  })

  test('ends when there are enough rows', async () => {
    const { clock, record } = replay()
    const startedAtMs = clock.now()
    expect(firsts(await record(10_000, { rowsMax: 7 }))).toEqual([range(0, 7)])
    expect(clock.now() - startedAtMs).toBeLessThanOrEqual(100)
  })

  test('at the rate that was allocated is every so manyeth row of it', async () => {
    const { record, sensor } = replay()
    expect(firsts(await record(400, { rowsPerSecond: 25 }))).toEqual([range(3, 40, 4)])
    expect(sensor.figures()?.rowsPerSecond).toBe(RATE)
  })

  test('loses what nobody took within a second, and says so', async () => {
    const { clock, record, sensor } = replay()
    await sensor.open()
    const recording = record(3000)
    clock.jump(2500)
    const { droppedRows, segments } = await recording
    expect(droppedRows).toBe(150)
    expect(segments.reduce((sum, { atMs }) => sum + atMs.length, 0)).toBe(150)
  })

  test('says what it delivers and what it looks like', async () => {
    const { sensor } = replay()
    expect([sensor.status, sensor.figures(), sensor.sketch()]).toEqual(['lost', null, null])
    await sensor.open()
    expect(sensor.figures()).toMatchObject({
      kind: 'replay',
      form: { element: 'float32', shape: [2] },
      rowsPerSecond: RATE,
      bytesPerSecond: 8 * RATE,
      labelled: true,
    })
    expect(sensor.sketch()).toMatchObject({ kind: 'float8-histogram', sampleCount: ROWS })
  })
})

test('a capture that is not there, or of another form, is said', async () => {
  const { clock, path } = replay()
  const options = { id: 'csi', element: 'float32', rowsPerSecond: 1, clock } as const
  const missing = new ReplaySensor({ ...options, path: `${path}.gone`, shape: [2] })
  await expect(missing.open()).rejects.toMatchObject({ code: 'SENSOR_UNAVAILABLE' })
  expect([missing.status, missing.reason]).toEqual(['lost', expect.stringContaining('cannot be')])
  const other = new ReplaySensor({ ...options, path, shape: [3] })
  await expect(other.open()).rejects.toThrow('where rows of [3] are wanted')
})
