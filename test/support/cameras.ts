import { execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { CameraAsked } from '../../agent/camera/camera-asked.ts'
import type { CameraSource } from '../../agent/camera/camera-source.ts'
import { CameraSensor } from '../../agent/sensors/camera-sensor.ts'
import { systemClock } from '../../runtime/clock.ts'
import { findCommand } from './commands.ts'
import { sharedFile, temporaryDirectory } from './directories.ts'
import { testLog } from './test-log.ts'

const VIDEOS = 'data/video-traffic'

/** A fixed camera above a road: 768 x 432, 377 pictures, 12.5 a second. */
export const ROAD_VIDEO = sharedFile(`${VIDEOS}/car-detection.mp4`)
/** From a driving car: 960 x 540, 221 pictures, 25 a second. */
export const DRIVE_VIDEO = sharedFile(`${VIDEOS}/solidWhiteRight.mp4`)

/** `test.skipIf(!canFilm)`: ffmpeg is installed and the real videos are there. */
export const canFilm = Boolean(findCommand('ffmpeg') && ROAD_VIDEO && DRIVE_VIDEO)

export const SMALL_GREY: Omit<CameraAsked, 'source'> = {
  image: { width: 64, height: 48, colour: 'grey', element: 'uint8' },
  imagesPerSecond: 10,
  frozenPeriods: 50,
}

export interface TestCamera {
  readonly sensor: CameraSensor
  /** What it told by itself: why it was lost. */
  readonly losses: readonly string[]
}

/** A camera sensor that nobody looks after; closed with the test. */
export function cameraSensor(
  source: CameraSource,
  asked: Partial<Omit<CameraAsked, 'source'>> = {},
): TestCamera {
  const losses: string[] = []
  const sensor = new CameraSensor({
    id: 'road',
    source,
    ...SMALL_GREY,
    ...asked,
    clock: systemClock,
    log: testLog().log,
    onChange: () => losses.push(sensor.reason ?? sensor.status),
  })
  onTestFinished(() => sensor.close())
  return { sensor, losses }
}

/** What ffmpeg makes of the video by itself: picture after picture. */
export function convertedBy(args: readonly string[]): Buffer {
  const quiet = ['-nostdin', '-loglevel', 'error']
  return execFileSync('ffmpeg', [...quiet, ...args, '-f', 'rawvideo', '-'], {
    maxBuffer: 2 ** 28,
  })
}

/** Some seconds of the road, small and with a key picture twice a second, as cameras are set up. */
export function shortVideo(input: readonly string[], name = 'short.mp4'): string {
  const path = join(temporaryDirectory(), name)
  const output = ['-an', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency']
  execFileSync('ffmpeg', ['-nostdin', '-loglevel', 'error', ...input, ...output, '-g', '6', path])
  return path
}

/** ffmpeg as a camera that sends the video over and over to an RTSP server. */
export function publish(video: string, url: string): void {
  const input = ['-nostdin', '-loglevel', 'error', '-re', '-stream_loop', '-1', '-i', video]
  const output = ['-c', 'copy', '-f', 'rtsp', '-rtsp_transport', 'tcp', url]
  const child = spawn('ffmpeg', [...input, ...output], { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
}
