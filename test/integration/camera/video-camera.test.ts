import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { RowForm } from '../../../protocol/row-form.ts'
import { systemClock } from '../../../runtime/clock.ts'
import {
  cameraSensor,
  canFilm,
  convertedBy,
  DRIVE_VIDEO,
  ROAD_VIDEO,
  SMALL_GREY,
  shortVideo,
} from '../../support/cameras.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { childrenOf } from '../../support/process-children.ts'
import { waitFor } from '../../support/wait-for.ts'

const ROAD = ROAD_VIDEO ?? ''
const DRIVE = DRIVE_VIDEO ?? ''
const FIVE = { rowsMax: 5, untilMs: Number.MAX_SAFE_INTEGER }
const { image } = SMALL_GREY
const PLANE = 64 * 48

function until(ms: number): { untilMs: number; signal: AbortSignal } {
  return { untilMs: systemClock.now() + ms, signal: AbortSignal.timeout(20_000) }
}

describe.skipIf(!canFilm)('a recorded video as a camera', () => {
  test('gives the pictures that ffmpeg makes of it, scaled and grey', async () => {
    const { sensor } = cameraSensor({ from: 'file', path: ROAD, speed: 1 }, { imagesPerSecond: 25 })
    await sensor.open()
    const { segments } = await sensor.record({ ...FIVE, signal: AbortSignal.timeout(20_000) })
    const expected = convertedBy(['-i', ROAD, '-vf', 'scale=64:48:flags=area,format=gray'])
    const rows = Buffer.concat(segments.map(segment => segment.rows))
    expect(rows.length).toBe(5 * PLANE)
    const at = expected.indexOf(rows.subarray(0, PLANE))
    expect(at % PLANE).toBe(0)
    expect(rows.equals(expected.subarray(at, at + rows.length))).toBe(true)
    expect(sensor.sketch()?.sampleCount).toBeGreaterThan(5)
  })

  test('gives red, green and blue planes as float32 from 0 to 1', async () => {
    const { sensor } = cameraSensor(
      { from: 'file', path: DRIVE, speed: 1 },
      { image: { ...image, colour: 'rgb', element: 'float32' }, imagesPerSecond: 25 },
    )
    expect(sensor.form).toEqual({ element: 'float32', shape: [3, 48, 64] } satisfies RowForm)
    await sensor.open()
    const { segments } = await sensor.record({
      rowsMax: 1,
      untilMs: Number.MAX_SAFE_INTEGER,
      signal: AbortSignal.timeout(20_000),
    })
    const row = segments[0]?.rows ?? new Uint8Array()
    const values = new Float32Array(row.buffer, row.byteOffset, row.length / 4)
    expect(values.length).toBe(3 * PLANE)
    const planes = convertedBy(['-i', DRIVE, '-vf', 'scale=64:48:flags=area,format=gbrp'])
    // Green, blue, red there; red, green, blue here.
    const pictures = Array.from({ length: planes.length / (3 * PLANE) }, (_, index) => {
      const picture = planes.subarray(3 * PLANE * index, 3 * PLANE * (index + 1))
      return Buffer.concat([picture.subarray(2 * PLANE), picture.subarray(0, 2 * PLANE)])
    })
    const isSame = (picture: Buffer): boolean =>
      picture.every((byte, at) => Math.abs(byte / 255 - (values[at] ?? 2)) < 1e-6)
    expect(pictures.some(isSame)).toBe(true)
  })

  test('is thinned to the rate that was asked for, whatever its pace', async () => {
    const rateOf = async (o: { speed: number; imagesPerSecond: number }): Promise<number> => {
      const { speed, imagesPerSecond } = o
      const { sensor } = cameraSensor({ from: 'file', path: DRIVE, speed }, { imagesPerSecond })
      await sensor.open()
      const { segments } = await sensor.record({ ...until(2000), rowsMax: 1000 })
      await sensor.close()
      expect(segments.length).toBe(1)
      return (segments[0]?.atMs.length ?? 0) / 2
    }
    // 25 pictures a second are there; asked for 5, and at half the pace for 20.
    const [thinned, slow] = await Promise.all([
      rateOf({ speed: 1, imagesPerSecond: 5 }),
      rateOf({ speed: 0.5, imagesPerSecond: 20 }),
    ])
    expect(thinned).toBeGreaterThan(3)
    expect(thinned).toBeLessThan(7)
    expect(slow).toBeGreaterThan(8)
    expect(slow).toBeLessThan(17)
  })

  test('is lost when its program is killed, and found again', async () => {
    const { sensor, losses } = cameraSensor({ from: 'file', path: ROAD, speed: 1 })
    await sensor.open()
    const recorded = sensor.record({ ...until(10_000), rowsMax: 30 })
    await waitFor(() => sensor.cameraFigures().delivered > 8, { what: 'some pictures' })
    const [pid] = childrenOf(process.pid, 'ffmpeg')
    process.kill(pid ?? 0, 'SIGKILL')
    await waitFor(() => sensor.status === 'lost', { what: 'the loss' })
    expect(losses).toEqual([expect.stringMatching(/ended by SIGKILL\. It is started again/)])
    expect(sensor.figures()).toBeNull()
    await sensor.open()
    const { segments } = await recorded
    // What came after does not follow what came before.
    expect(segments.length).toBe(2)
    expect(sensor.cameraFigures()).toMatchObject({ starts: 2, askedPerSecond: 10 })
    expect(sensor.cameraFigures().cpuSeconds).toBeGreaterThan(0)
    await sensor.close()
    expect(childrenOf(process.pid, 'ffmpeg')).toEqual([])
  })

  test('that shows the same picture again and again is frozen until one differs', async () => {
    const still = ['-f', 'lavfi', '-i', 'color=gray:size=320x240:rate=25', '-t', '2']
    const { sensor, losses } = cameraSensor(
      { from: 'file', path: shortVideo(still), speed: 1 },
      { imagesPerSecond: 25, frozenPeriods: 20 },
    )
    await sensor.open()
    await waitFor(() => sensor.status === 'lost', { what: 'it is frozen' })
    expect(losses).toEqual([
      expect.stringMatching(/is frozen: 20 pictures without any change\..* raise frozenPeriods/),
    ])
    // It gives pictures still, but no other ones.
    await expect(sensor.open()).rejects.toThrow('is frozen: 20 pictures without any change')
  })

  test('drops and counts what nobody takes', async () => {
    const { sensor } = cameraSensor({ from: 'file', path: ROAD, speed: 4 }, { imagesPerSecond: 50 })
    await sensor.open()
    await waitFor(() => sensor.cameraFigures().untaken >= 60, { what: 'sixty pictures' })
    const { delivered, untaken } = sensor.cameraFigures()
    expect(untaken).toBe(delivered)
    await sensor.record({ ...FIVE, signal: AbortSignal.timeout(20_000) })
    expect(sensor.cameraFigures().delivered).toBeGreaterThan(sensor.cameraFigures().untaken)
  })

  test('that is none says so, with what mends it', async () => {
    const folder = temporaryDirectory()
    const text = join(folder, 'notes.mp4')
    writeFileSync(text, 'no video at all\n'.repeat(100))
    const outcome = async (path: string): Promise<string> => {
      const { sensor } = cameraSensor({ from: 'file', path, speed: 1 })
      return sensor.open().then(
        () => 'opened',
        (error: Error) => error.message,
      )
    }
    expect(await outcome(text)).toMatch(/gives no video .*Check with: ffprobe/)
    expect(await outcome(join(folder, 'gone.mp4'))).toMatch(/is not there\. Check the path/)
  })
})

describe.skipIf(!canFilm)('a V4L2 device', () => {
  test.each([
    ['/dev/video63', /is not there\. Plug it in/],
    ['/dev/null', /gives no video .*Inappropriate ioctl.*gainnet measure sensors/],
    ['/etc/hostname', /gives no video \(it is no device\)/],
  ])('%s: no camera, said as a state', async (device, message) => {
    const capture = { width: 640, height: 480 }
    const { sensor } = cameraSensor({ from: 'v4l2', device, capture })
    await expect(sensor.open()).rejects.toThrow(message)
    expect(sensor.status).toBe('lost')
    expect(sensor.reason).toMatch(message)
  })
})
