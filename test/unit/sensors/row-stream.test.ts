import { expect, test } from 'vitest'
import { RowStream } from '../../../agent/sensors/row-stream.ts'
import type { RecordOptions } from '../../../agent/sensors/sensor.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const PERIOD_MS = 10

/** Rows of two numbers, a hundred a second: the number of the row, and its time. */
function startStream() {
  const clock = new VirtualClock()
  const stream = new RowStream({ form: { element: 'float32', shape: [2] }, clock })
  let number = 0
  const pass = async (rows: number): Promise<void> => {
    for (let row = 0; row < rows; row++) {
      await clock.advance(PERIOD_MS)
      const values = Float32Array.of(number++, 0.5)
      stream.push(new Uint8Array(values.buffer), clock.now())
    }
  }
  const record = (more: Partial<RecordOptions> & { readonly ms: number }, latencyMs = 0) =>
    stream.record(
      {
        untilMs: clock.now() + more.ms,
        rowsMax: 1000,
        signal: new AbortController().signal,
        ...more,
      },
      { latencyMs },
    )
  return { clock, stream, pass, record }
}

const numbersOf = (rows: Uint8Array) => [
  ...new Float32Array(rows.slice().buffer).filter((_, at) => at % 2 === 0),
]

test('a recording has the rows of its time, in order, whole and with their times', async () => {
  const { pass, record, clock } = startStream()
  await pass(3)
  const from = clock.now()
  const recorded = record({ ms: 55 })
  await pass(8)
  const { segments, droppedRows } = await recorded
  expect(segments.map(({ rows }) => numbersOf(rows))).toEqual([[3, 4, 5, 6, 7]])
  expect([...(segments[0]?.atMs ?? [])].map(ms => ms - from)).toEqual([10, 20, 30, 40, 50])
  expect(droppedRows).toBe(0)
})

test('a gap ends a segment, and what is lost is counted', async () => {
  const { stream, pass, record } = startStream()
  const recorded = record({ ms: 65 })
  await pass(2)
  stream.gap(3)
  stream.gap(0.4)
  await pass(5)
  const { segments, droppedRows } = await recorded
  expect(segments.map(({ atMs }) => atMs.length)).toEqual([2, 4])
  expect(droppedRows).toBe(3)
  expect(stream.figures({ sensor: 'a', kind: 'b' }).dropShare).toBeCloseTo(3.4 / 10.4, 6)
})

test('it ends when there are enough, and when it is told to', async () => {
  const { pass, record, stream } = startStream()
  const few = record({ ms: 1000, rowsMax: 2 })
  await pass(3)
  expect((await few).segments.map(({ rows }) => numbersOf(rows))).toEqual([[0, 1]])
  const ending = new AbortController()
  const told = record({ ms: 1000, signal: ending.signal })
  await pass(2)
  ending.abort()
  expect((await told).segments.map(({ rows }) => numbersOf(rows))).toEqual([[3, 4]])
  expect((await record({ ms: 1000, rowsMax: 0 })).segments).toEqual([])
  expect(stream.sketch()?.sampleCount).toBe(5)
})

test('of rows that come faster than was allocated, every so many is taken', async () => {
  const { pass, record } = startStream()
  const recorded = record({ ms: 1000, rowsPerSecond: 20 })
  await pass(100)
  const [segment] = (await recorded).segments
  expect(segment?.atMs.length).toBe(20)
  const steps = numbersOf(segment?.rows ?? new Uint8Array()).slice(0, 4)
  expect(steps).toEqual([0, 5, 10, 15])
})

test('rows that come late are waited for, and those of before are left out', async () => {
  const { clock, stream, record } = startStream()
  await clock.advance(1000)
  const startMs = clock.now()
  const recorded = record({ ms: 100 }, 200)
  await clock.advance(150)
  const row = new Uint8Array(Float32Array.of(1, 2).buffer)
  for (const ms of [-10, 20, 90, 110]) stream.push(row, startMs + ms)
  await clock.advance(150)
  const [segment] = (await recorded).segments
  expect([...(segment?.atMs ?? [])].map(ms => ms - startMs)).toEqual([20, 90])
})

test('its rate is that of the last seconds', async () => {
  const { clock, stream, pass } = startStream()
  await pass(1000)
  expect(stream.figures({ sensor: 'a', kind: 'b' })).toMatchObject({
    rowsPerSecond: expect.closeTo(100, -1),
    form: { element: 'float32', shape: [2] },
    dropShare: 0,
  })
  await clock.advance(11_000)
  expect(stream.figures({ sensor: 'a', kind: 'b' }).rowsPerSecond).toBe(0)
  stream.restart()
  await pass(50)
  expect(stream.figures({ sensor: 'a', kind: 'b' }).rowsPerSecond).toBeCloseTo(100, -1)
})
