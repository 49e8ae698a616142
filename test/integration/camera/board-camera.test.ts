import { chmodSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { CameraSource } from '../../../agent/camera/camera-source.ts'
import { cameraSensor, canFilm, ROAD_VIDEO } from '../../support/cameras.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { childrenOf } from '../../support/process-children.ts'
import { waitFor } from '../../support/wait-for.ts'

const CAPTURE = { width: 320, height: 192 }
const PI: CameraSource = { from: 'rpicam', camera: 0, capture: CAPTURE }
const JETSON: CameraSource = { from: 'jetson', camera: 0, capture: CAPTURE }
/** What these programs write, by ffmpeg: planes of 320 x 192 at the pace of the video. */
const FILM =
  `exec ffmpeg -nostdin -loglevel error -re -stream_loop -1 -i '${ROAD_VIDEO}' ` +
  '-vf scale=320:192,format=yuv420p -f rawvideo -'

/** A program of boards that are not here, first on PATH; it notes what it was asked. */
function install(name: string, script: string): string {
  const folder = temporaryDirectory()
  const program = join(folder, name)
  writeFileSync(program, `#!/bin/sh\nprintf '%s\\n' "$@" > '${folder}/asked'\n${script}\n`)
  chmodSync(program, 0o755)
  const path = process.env.PATH ?? ''
  process.env.PATH = [folder, path].join(delimiter)
  onTestFinished(() => {
    process.env.PATH = path
  })
  return folder
}

async function firstRow(source: CameraSource) {
  const { sensor, losses } = cameraSensor(source)
  await sensor.open()
  const { segments } = await sensor.record({
    rowsMax: 1,
    untilMs: Number.MAX_SAFE_INTEGER,
    signal: AbortSignal.timeout(20_000),
  })
  return { sensor, losses, row: segments[0]?.rows ?? new Uint8Array() }
}

describe.skipIf(!canFilm)('the program of a board, into ffmpeg', () => {
  test('gives pictures, and both are ended when one is killed', async () => {
    install('rpicam-vid', FILM)
    const { sensor, losses, row } = await firstRow(PI)
    expect(row.length).toBe(64 * 48)
    expect(new Set(row).size).toBeGreaterThan(20)
    expect(sensor.cameraFigures().given).toMatchObject({ pixelFormat: 'yuv420p', ...CAPTURE })
    const programs = childrenOf(process.pid, 'ffmpeg')
    expect(programs.length).toBe(2)
    process.kill(programs[0] ?? 0, 'SIGKILL')
    await waitFor(() => sensor.status === 'lost', { what: 'the loss' })
    expect(losses).toEqual([expect.stringMatching(/camera 0 of the Raspberry Pi ended by SIGKILL/)])
    await waitFor(() => childrenOf(process.pid, 'ffmpeg').length === 0, { what: 'both have ended' })
  })

  test('of a Jetson is a pipeline', async () => {
    install('gst-launch-1.0', FILM)
    const { row } = await firstRow(JETSON)
    expect(row.length).toBe(64 * 48)
  })

  test('that finds no camera is not started every moment', async () => {
    install('libcamera-vid', "echo 'ERROR: *** no cameras available ***' >&2; exit 255")
    const { sensor } = cameraSensor(PI)
    const message = /camera 0 of the Raspberry Pi is not there .*rpicam-hello --list-cameras/
    await expect(sensor.open()).rejects.toThrow(message)
    install('rpicam-vid', FILM)
    await expect(sensor.open()).rejects.toThrow(message)
  })

  test('that another one keeps the camera from says who mends it', async () => {
    install('gst-launch-1.0', "echo 'execute:656 Failed to create CaptureSession' >&2; exit 1")
    const { sensor } = cameraSensor(JETSON)
    await expect(sensor.open()).rejects.toThrow(/used by another program\. .*nvargus-daemon/)
  })

  test('that is not installed says what to install', async () => {
    const path = process.env.PATH
    process.env.PATH = temporaryDirectory()
    onTestFinished(() => {
      process.env.PATH = path
    })
    const { sensor } = cameraSensor(PI)
    await expect(sensor.open()).rejects.toThrow(/there is no rpicam-vid.*apt-get install/)
  })
})
