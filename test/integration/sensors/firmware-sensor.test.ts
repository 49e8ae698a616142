import { describe, expect, onTestFinished, test } from 'vitest'
import { FirmwareSensor } from '../../../agent/sensors/firmware/firmware-sensor.ts'
import { rowCount } from '../../../agent/sensors/sensor.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { EmulatedBoard, missingFirmwareTools } from '../../support/emulated-board.ts'
import { testLog } from '../../support/test-log.ts'
import { waitFor } from '../../support/wait-for.ts'

const ROW = 16

async function sensorOn(port: string, more: { readonly channel?: number } = {}) {
  const changes: string[] = []
  const sensor = new FirmwareSensor({
    ...{ id: 'vibration', port, baudRate: 115_200, rateHz: 320, values: ROW, seed: 1, channel: 0 },
    ...more,
    clock: systemClock,
    log: testLog().log,
    onChange: () => changes.push(sensor.status),
  })
  onTestFinished(() => sensor.close())
  const isOpen = () =>
    sensor.open().then(
      () => true,
      () => false,
    )
  return { sensor, changes, isOpen }
}

const recordFor = (sensor: FirmwareSensor, ms: number, rowsPerSecond?: number) =>
  sensor.record({
    untilMs: systemClock.now() + ms,
    rowsMax: 10_000,
    ...(rowsPerSecond === undefined ? {} : { rowsPerSecond }),
    signal: new AbortController().signal,
  })

describe.skipIf(missingFirmwareTools.length > 0)('a board with our firmware as a sensor', () => {
  test('samples while it is recorded, at the rate that was allocated, and rests otherwise', async () => {
    const { sensor, isOpen } = await sensorOn((await EmulatedBoard.start()).path)
    await waitFor(isOpen, { ms: 20_000, what: 'the board answers' })
    expect(sensor.figures()).toMatchObject({ kind: 'firmware', rowsPerSecond: 20 })
    // A row of the trial, and those that came before it was told to stop.
    const sketch = sensor.sketch()
    expect(sketch?.kind).toBe('float8-histogram')
    expect(sketch?.sampleCount).toBeGreaterThanOrEqual(1)

    const whole = await recordFor(sensor, 1500)
    const slow = await recordFor(sensor, 1500, 4)
    // The board counts: as many as fit in the slots, whatever the machine does meanwhile.
    const rows = [rowCount(whole), rowCount(slow)] as const
    expect(rows[0]).toBeGreaterThan(2 * rows[1])
    expect(rows[0]).toBeLessThanOrEqual(30)
    expect(rows[1]).toBeLessThanOrEqual(6)
    // A vibration and no constant.
    const values = whole.segments.flatMap(({ rows: taken }) => [
      ...new Float32Array(taken.slice().buffer),
    ])
    expect(new Set(values).size).toBeGreaterThan(ROW / 2)
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(1)
  })

  test('that falls silent and comes back while it is recorded samples on, after a gap', async () => {
    const board = await EmulatedBoard.start()
    const { sensor, changes, isOpen } = await sensorOn(board.path)
    await waitFor(isOpen, { ms: 20_000, what: 'the board answers' })
    const before = changes.length
    const ending = new AbortController()
    const recorded = sensor.record({
      untilMs: systemClock.now() + 60_000,
      rowsMax: 10_000,
      signal: ending.signal,
    })
    const isSketched = (count: number) => () => (sensor.sketch()?.sampleCount ?? 0) >= count
    await waitFor(isSketched(5), { ms: 20_000, what: 'the first rows' })
    board.freeze()
    await waitFor(() => sensor.status === 'lost', { ms: 20_000, what: 'it is lost' })
    await expect(recordFor(sensor, 100)).rejects.toThrow('said nothing for 1600 ms')
    board.thaw()
    await waitFor(() => sensor.status === 'ok', { ms: 20_000, what: 'it is back' })
    const known = sensor.sketch()?.sampleCount ?? 0
    await waitFor(isSketched(known + 5), { ms: 20_000, what: 'rows after its return' })
    ending.abort()
    expect((await recorded).segments.length).toBeGreaterThan(1)
    expect(changes.slice(before)).toEqual(['lost', 'ok'])
  })

  test('without the channel that is asked of it is no sensor, and says so', async () => {
    const { sensor } = await sensorOn((await EmulatedBoard.start()).path, { channel: 9 })
    const reason = () =>
      sensor.open().then(
        () => undefined,
        error => (String(error).includes('2 channels') ? String(error) : undefined),
      )
    expect(await waitFor(reason, { ms: 20_000, what: 'the board answers' })).toContain(
      'the board has 2 channels, and none of number 9',
    )
  })
})
