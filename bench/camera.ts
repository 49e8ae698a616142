import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { median } from 'simple-statistics'
import { cameraStages } from '../agent/camera/camera-command.ts'
import type { CameraSource, ImageForm } from '../agent/camera/camera-source.ts'
import { findProgram } from '../agent/camera/find-program.ts'
import { CameraSensor } from '../agent/sensors/camera-sensor.ts'
import { systemClock } from '../runtime/clock.ts'
import { GainnetError } from '../runtime/errors.ts'
import { createLogger } from '../runtime/logger.ts'
import { hasShared, sharedPath } from './accuracy/shared-file.ts'
import type { Bench, BenchResult, BenchRow } from './bench-report.ts'

/** A fixed camera above a road, 768 x 432, H.264. */
const VIDEO = 'video-traffic/car-detection.mp4'
const IMAGE: ImageForm = { width: 64, height: 48, colour: 'grey', element: 'uint8' }
/** Above what any video has: nothing is thinned. */
const EVERY_IMAGE = 1000
/** Of a camera at its usual ten pictures a second. */
const IMAGES_A_DAY = 24 * 3600 * 10
const PROGRESS_PARTS = 200
/** Rows of a recording, as an assignment asks for some. */
const RECORDING_ROWS = 256
const NO_LIMIT = Number.MAX_SAFE_INTEGER

export interface CameraScale {
  readonly runs: number
  readonly imagesPerRun: number
  readonly dayImages: number
}

const SCALE: CameraScale = { runs: 7, imagesPerRun: 4000, dayImages: IMAGES_A_DAY }
const SCALE_QUICK: CameraScale = { runs: 3, imagesPerRun: 1500, dayImages: IMAGES_A_DAY / 12 }

/** What a camera costs beside the ffmpeg that reads it: pictures a second, CPU time, memory in a day. */
export const camera: Bench = {
  name: 'camera',
  description: 'pictures of a camera to rows: speed against ffmpeg alone, memory over a day',
  minutes: 8,
  run: ({ quick }) => measureCamera(quick ? SCALE_QUICK : SCALE),
}

export async function measureCamera(scale: CameraScale): Promise<BenchResult> {
  const ffmpeg = findProgram(['ffmpeg'])
  if (ffmpeg === undefined) throw new GainnetError('USAGE', 'this bench needs ffmpeg')
  if (!hasShared(VIDEO)) throw new GainnetError('USAGE', `this bench needs ${VIDEO}`)
  const source: CameraSource = { from: 'file', path: sharedPath(VIDEO), speed: null }
  const memory = await dayOf(ffmpeg, scale.dayImages)
  // One after the other: what the machine does meanwhile falls on both alike.
  const pairs: { readonly ours: Throughput; readonly aloneSeconds: number }[] = []
  for (let run = 0; run < scale.runs; run++) {
    const aloneSeconds = secondsAlone(ffmpeg, source, scale.imagesPerRun)
    pairs.push({ ours: await throughput(source, scale.imagesPerRun), aloneSeconds })
  }
  const perSecond = spanned(pairs.map(({ ours }) => scale.imagesPerRun / ours.seconds))
  const alone = spanned(pairs.map(({ aloneSeconds }) => scale.imagesPerRun / aloneSeconds))
  const ratio = spanned(pairs.map(({ ours, aloneSeconds }) => aloneSeconds / ours.seconds))
  return {
    rows: [
      {
        name: 'throughput',
        ...perSecond,
        unit: 'pictures/s',
        reference: 'ffmpeg alone to /dev/null',
        referenceValue: alone.value,
        ratio: ratio.value,
      },
      { name: 'throughput.ratio', ...ratio, unit: 'of ffmpeg alone' },
      {
        name: 'daemon.cpu-share',
        ...spanned(pairs.map(({ ours }) => ours.cpuSeconds / ours.childCpuSeconds)),
        unit: "of ffmpeg's CPU time",
      },
      { name: 'rss.growth', value: memory.growthMib, unit: 'MiB', n: 1 },
    ],
    notes: [
      'goals: throughput.ratio about 1, rss.growth about 0',
      `throughput: ${scale.imagesPerRun} pictures of a real video (768 x 432, H.264) to 64 x 48 grey, starts included`,
      `rss: ${scale.dayImages} pictures at speed, all recorded and thrown away, garbage collected; median of the last tenth less that of the tenth before the middle, ${memory.startMib.toFixed(0)} MiB`,
    ],
  }
}

interface Throughput {
  readonly seconds: number
  /** Of this process. */
  readonly cpuSeconds: number
  /** Of ffmpeg. */
  readonly childCpuSeconds: number
}

async function throughput(source: CameraSource, images: number): Promise<Throughput> {
  const startedAt = performance.now()
  const before = process.cpuUsage()
  const sensor = sensorOf(source)
  const opening = sensor.open()
  // From the first picture on, and not only when its rate is known.
  await record(sensor, images)
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(before)
  await opening
  const { cpuSeconds: childCpuSeconds } = sensor.cameraFigures()
  await sensor.close()
  return { seconds, cpuSeconds: (user + system) / 1e6, childCpuSeconds }
}

/** The same programs with the same arguments, whose pictures nobody reads. */
function secondsAlone(ffmpeg: string, source: CameraSource, images: number): number {
  const [stage] = cameraStages(source, IMAGE, EVERY_IMAGE)
  const args = stage?.args.slice(0, -1) ?? []
  const startedAt = performance.now()
  const { status } = spawnSync(ffmpeg, [...args, '-frames:v', `${images}`, '-y', '/dev/null'])
  if (status !== 0) throw new Error(`ffmpeg ended with ${status}`)
  return (performance.now() - startedAt) / 1000
}

async function dayOf(
  ffmpeg: string,
  images: number,
): Promise<{ readonly growthMib: number; readonly startMib: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'gainnet-camera-'))
  try {
    const path = smallVideo(ffmpeg, folder)
    const sensor = sensorOf({ from: 'file', path, speed: null })
    await sensor.open()
    const rss: number[] = []
    for (let part = 0; part < PROGRESS_PARTS; part++) {
      const until = sensor.cameraFigures().delivered + images / PROGRESS_PARTS
      while (sensor.cameraFigures().delivered < until) await record(sensor, RECORDING_ROWS)
      collectGarbage()
      rss.push(process.memoryUsage.rss() / 2 ** 20)
    }
    await sensor.close()
    const [tenth, middle] = [PROGRESS_PARTS / 10, PROGRESS_PARTS / 2]
    const startMib = median(rss.slice(middle - tenth, middle))
    const growthMib = Number((median(rss.slice(-tenth)) - startMib).toFixed(2))
    return { growthMib, startMib }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What waits to be collected comes and goes by tens of MiB: what stays is looked for. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

/** The same road in few pixels: decoding them is not what is looked at. */
function smallVideo(ffmpeg: string, folder: string): string {
  const path = join(folder, 'small.mp4')
  const small = [
    '-an',
    '-t',
    '10',
    '-vf',
    'scale=128:72',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    path,
  ]
  execFileSync(ffmpeg, ['-nostdin', '-loglevel', 'error', '-i', sharedPath(VIDEO), ...small])
  return path
}

function sensorOf(source: CameraSource): CameraSensor {
  return new CameraSensor({
    id: 'bench',
    source,
    image: IMAGE,
    imagesPerSecond: EVERY_IMAGE,
    frozenPeriods: NO_LIMIT,
    clock: systemClock,
    log: createLogger({ daemon: 'bench', level: 'silent' }),
    onChange: () => {
      throw new Error('the camera was lost')
    },
  })
}

async function record(sensor: CameraSensor, rowsMax: number): Promise<void> {
  const { signal } = new AbortController()
  await sensor.record({ rowsMax, untilMs: NO_LIMIT, signal })
}

function spanned(values: readonly number[]): Pick<BenchRow, 'value' | 'low' | 'high' | 'n'> {
  const rounded = values.map(value => Number(value.toPrecision(4)))
  return {
    value: median(rounded),
    low: Math.min(...rounded),
    high: Math.max(...rounded),
    n: values.length,
  }
}
