import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { TextFolderSensor } from '../../../agent/sensors/text-folder-sensor.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const RATE = 1000
const FILES = { 'one.txt': 'alpha '.repeat(50), 'two.txt': 'beta '.repeat(30) }

function folderOf(files: Readonly<Record<string, string>>): string {
  const path = temporaryDirectory()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return path
}

function sensorOn(path: string, { bytesPerSecond = RATE, seed = 1 } = {}) {
  const clock = new VirtualClock()
  const { log, lines } = testLog()
  const sensor = new TextFolderSensor({ id: 'text', path, bytesPerSecond, seed, clock, log })
  const abort = new AbortController()
  const record = async (ms: number, rowsMax = Number.MAX_SAFE_INTEGER, rowsPerSecond?: number) => {
    const paced = rowsPerSecond === undefined ? {} : { rowsPerSecond }
    const until = { untilMs: clock.now() + ms, rowsMax, signal: abort.signal }
    const { segments, droppedRows } = await clock.run(sensor.record({ ...until, ...paced }))
    expect(segments.length).toBeLessThanOrEqual(1)
    const bytes = segments[0]?.rows ?? new Uint8Array()
    expect(segments[0]?.atMs ?? []).toHaveLength(bytes.length)
    return { bytes, droppedBytes: droppedRows }
  }
  return { sensor, clock, lines, abort, record, open: () => clock.run(sensor.open()) }
}

describe('a text folder', () => {
  test('delivers its bytes at the stated pace, from the start of the recording on', async () => {
    const { sensor, clock, open, record } = sensorOn(folderOf(FILES))
    await open()
    expect(sensor.figures()).toEqual({
      sensor: 'text',
      kind: 'text-folder',
      form: { element: 'uint8', shape: [] },
      rowsPerSecond: RATE,
      bytesPerSecond: RATE,
      dropShare: 0,
      resourceBlocks: 0,
      labelled: false,
    })
    const startedAt = clock.now()
    const { bytes, droppedBytes } = await record(2345)
    expect(bytes).toHaveLength(2345)
    expect(droppedBytes).toBe(0)
    expect(clock.now() - startedAt).toBe(2345)
  })

  test('has figures also where the clock moves on while it is opened', async () => {
    class TickingClock extends VirtualClock {
      #looks = 0
      override now(): number {
        this.#looks += 1
        // Between what the trial is to end at and what it began at.
        if (this.#looks === 2) this.jump(1)
        return super.now()
      }
    }
    const clock = new TickingClock()
    const { log } = testLog()
    const options = { id: 'text', path: folderOf(FILES), bytesPerSecond: RATE, seed: 1 }
    const sensor = new TextFolderSensor({ ...options, clock, log })
    await clock.run(sensor.open())
    expect(sensor.figures()?.bytesPerSecond).toBeGreaterThan(0.9 * RATE)
  })

  test('is its files one after the other, over and over, without a byte lost between them', async () => {
    const { open, record } = sensorOn(folderOf({ 'a.txt': 'abc', 'b.txt': 'defgh', empty: '' }))
    await open()
    const text = Buffer.from((await record(1000)).bytes).toString()
    expect(text.slice(0, 8)).toHaveLength(8)
    expect(`abcdefgh${'abcdefgh'.repeat(140)}`).toContain(text)
  })

  test('ends a recording as soon as it has what was wanted, and loses nothing by that', async () => {
    const { sensor, clock, open, record } = sensorOn(folderOf(FILES))
    await open()
    const startedAt = clock.now()
    const { bytes, droppedBytes } = await record(10_000, 777)
    expect(bytes).toHaveLength(777)
    expect(droppedBytes).toBe(0)
    expect(clock.now() - startedAt).toBeLessThanOrEqual(800)
    expect(sensor.figures()).toMatchObject({ rowsPerSecond: RATE, dropShare: 0 })
  })

  test('drops what nobody took within a second, as a full buffer does, and says so', async () => {
    const { sensor, clock, open, record } = sensorOn(folderOf(FILES))
    await open()
    const recording = record(5000)
    // The agent stands still for three seconds.
    clock.jump(3000)
    const { bytes, droppedBytes } = await recording
    expect(droppedBytes).toBe(2000)
    expect(bytes).toHaveLength(3000)
    expect(sensor.figures()).toMatchObject({ rowsPerSecond: 600, dropShare: 0.4 })
  })

  test('a recording whose slots are over says nothing of the pace', async () => {
    const { sensor, open, record } = sensorOn(folderOf(FILES))
    await open()
    expect((await record(-10)).bytes).toHaveLength(0)
    expect((await record(1)).bytes).toHaveLength(1)
    expect(sensor.figures()).toMatchObject({ rowsPerSecond: RATE })
  })

  test('delivers at the rate that was allocated, and its own rate stays what it offers', async () => {
    const { sensor, open, record } = sensorOn(folderOf(FILES))
    await open()
    const { bytes, droppedBytes } = await record(2000, 10_000, 100)
    expect([bytes.length, droppedBytes]).toEqual([200, 0])
    expect(sensor.figures()).toMatchObject({ rowsPerSecond: RATE })
  })

  test('the slowest sensor there may be is not taken for one that delivers nothing', async () => {
    const { sensor, open } = sensorOn(folderOf(FILES), { bytesPerSecond: 1 })
    await open()
    expect(sensor.figures()).toMatchObject({ rowsPerSecond: 1 })
  })

  test('an aborted recording ends at once with what there is', async () => {
    // One file, in memory since the trial: no disk is waited for while the time goes on.
    const { clock, abort, open, record } = sensorOn(folderOf({ long: 'x'.repeat(10_000) }))
    await open()
    const startedAt = clock.now()
    clock.at(startedAt + 320, () => abort.abort(new Error('the communication round is over')))
    expect((await record(5000)).bytes).toHaveLength(320)
    expect(clock.now() - startedAt).toBe(320)
  })

  test('its sketch is the histogram of its bytes', async () => {
    const { sensor, open } = sensorOn(folderOf(FILES))
    expect(sensor.sketch()).toBeNull()
    await open()
    const counts = new Array<number>(256).fill(0)
    const all = Buffer.from(Object.values(FILES).join(''))
    for (const byte of all) counts[byte] = (counts[byte] ?? 0) + 1
    expect(sensor.sketch()).toEqual({ kind: 'byte-histogram', counts, sampleCount: all.length })
  })

  test('the seed decides the order of the files', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`${index}`, `${index} `.padStart(10)]),
    )
    const path = folderOf(files)
    const heard = async (seed: number): Promise<string> => {
      const { open, record } = sensorOn(path, { seed })
      await open()
      return Buffer.from((await record(400)).bytes).toString()
    }
    expect(await heard(5)).toBe(await heard(5))
    expect(await heard(6)).not.toBe(await heard(5))
  })
})

describe('a text folder that is not there', () => {
  test.each([
    ['a folder that does not exist', (path: string) => join(path, 'missing'), 'cannot read'],
    ['an empty folder', (path: string) => path, 'no files in'],
  ])('says what is wrong: %s', async (_, pathOf, words) => {
    const { sensor, open } = sensorOn(pathOf(temporaryDirectory()))
    await expect(open()).rejects.toMatchObject({
      code: 'SENSOR_UNAVAILABLE',
      message: expect.stringContaining(words),
    })
    expect([sensor.status, sensor.figures(), sensor.sketch()]).toEqual(['lost', null, null])
  })

  test('files without a byte are no text', async () => {
    const { open } = sensorOn(folderOf({ a: '', b: '' }))
    await expect(open()).rejects.toThrow('only empty files in the folder')
  })

  test('is lost when it vanishes, with what was read so far, and found when it is back', async () => {
    const path = folderOf(FILES)
    const { sensor, lines, open, record } = sensorOn(path)
    await open()
    renameSync(path, `${path}.gone`)
    const { bytes } = await record(60_000)
    // No more than what was in memory: one file.
    expect(bytes.length).toBeLessThanOrEqual(300)
    expect([sensor.status, sensor.figures()]).toEqual(['lost', null])
    expect(lines.map(({ msg }) => msg)).toContain('sensor lost: no readable text')
    await expect(record(1000)).rejects.toMatchObject({ code: 'SENSOR_UNAVAILABLE' })
    renameSync(`${path}.gone`, path)
    // Half a second goes to the trial.
    expect((await record(1000)).bytes).toHaveLength(500)
    expect(sensor.status).toBe('ok')
  })

  test('a file that vanishes is skipped, the others go on', async () => {
    const path = folderOf(FILES)
    const { sensor, open, record } = sensorOn(path)
    await open()
    rmSync(join(path, 'two.txt'))
    const { bytes } = await record(3000)
    expect(bytes).toHaveLength(3000)
    expect(Buffer.from(bytes.subarray(1000)).includes('beta')).toBe(false)
    expect(sensor.status).toBe('ok')
  })

  test('a large file is read up to its first MiB, and folders in folders count', async () => {
    const path = temporaryDirectory()
    mkdirSync(join(path, 'deep', 'er'), { recursive: true })
    writeFileSync(join(path, 'deep', 'er', 'log'), 'x'.repeat(1024 * 1024).concat('y'.repeat(500)))
    const { open, record } = sensorOn(path, { bytesPerSecond: 2_000_000 })
    await open()
    const { bytes } = await record(1000)
    expect(new Set(bytes)).toEqual(new Set(Buffer.from('x')))
  })
})

test('two who open it at the same time wait for one attempt', async () => {
  const { log } = testLog()
  const sensor = new TextFolderSensor({
    id: 'text',
    path: folderOf(FILES),
    bytesPerSecond: RATE,
    seed: 1,
    clock: systemClock,
    log,
  })
  const attempt = sensor.open()
  expect(sensor.open()).toBe(attempt)
  await sensor.close()
  await expect(attempt).rejects.toThrow('the sensor is closed')
  expect(sensor.status).toBe('lost')
})
