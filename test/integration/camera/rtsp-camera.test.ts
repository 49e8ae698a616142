import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../runtime/clock.ts'
import { cameraSensor, canFilm, publish, ROAD_VIDEO, shortVideo } from '../../support/cameras.ts'
import { startRtspRelay } from '../../support/rtsp-relay.ts'
import { waitFor } from '../../support/wait-for.ts'

const CREDENTIALS = { username: 'viewer', password: 'pa:ss@word' }

async function startCamera() {
  const relay = await startRtspRelay(`${CREDENTIALS.username}:${CREDENTIALS.password}`)
  const url = `rtsp://127.0.0.1:${relay.port}/road`
  publish(shortVideo(['-i', ROAD_VIDEO ?? '', '-t', '4', '-vf', 'scale=320:180']), url)
  await waitFor(() => relay.isFed, { what: 'pictures at the relay' })
  return { relay, url }
}

describe.skipIf(!canFilm)('a camera behind RTSP', () => {
  test('gives pictures, is lost when it falls silent or hangs up, and is found again', async () => {
    const { relay, url } = await startCamera()
    const { sensor, losses } = cameraSensor({ from: 'rtsp', url, ...CREDENTIALS })
    await sensor.open()
    const { segments, droppedRows } = await sensor.record({
      untilMs: systemClock.now() + 60_000,
      rowsMax: 10,
      signal: AbortSignal.timeout(20_000),
    })
    expect(segments.map(({ rows }) => rows.length)).toEqual([10 * 64 * 48])
    expect(droppedRows).toBe(0)
    expect(sensor.cameraFigures().given).toMatchObject({
      codec: 'h264',
      pixelFormat: 'yuv420p',
      width: 320,
      height: 180,
    })
    relay.silence(true)
    await waitFor(() => sensor.status === 'lost', { what: 'it is silent' })
    expect(sensor.figures()).toBeNull()
    relay.silence(false)
    await sensor.open()
    relay.cut()
    await waitFor(() => sensor.status === 'lost', { what: 'it hung up' })
    expect(losses).toEqual([
      expect.stringMatching(/is silent: no picture for .* s\. .*check cable and power/),
      expect.stringMatching(/^the program that reads rtsp:.* ended .*It is started again/),
    ])
    await sensor.open()
    expect(sensor.cameraFigures().starts).toBe(3)
  })

  test('that wants another password says so, and not which one it got', async () => {
    const { url } = await startCamera()
    const { sensor } = cameraSensor({ from: 'rtsp', url, ...CREDENTIALS, password: 'unknown' })
    await expect(sensor.open()).rejects.toThrow(/refuses us .*Check username and password/)
    expect(sensor.reason).not.toContain('unknown')
  })

  test('where nobody listens is not there', async () => {
    const { sensor } = cameraSensor({ from: 'rtsp', url: 'rtsp://127.0.0.1:1/road' })
    await expect(sensor.open()).rejects.toThrow(/is not there .*ECONNREFUSED.*host, port and path/)
  })
})
