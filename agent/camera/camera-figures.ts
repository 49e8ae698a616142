import type { Figure } from '../measure/probe.ts'
import { writtenNumber } from '../measure/written.ts'
import type { VideoStream } from './video-stream.ts'

/** What was asked of a camera and what it gives. Counts are since the sensor was made. */
export interface CameraFigures {
  readonly askedPerSecond: number
  readonly deliveredPerSecond: number
  /** As the camera sends them; undefined while that is not known. */
  readonly given: VideoStream | undefined
  readonly delivered: number
  /** Of those delivered, what came while nobody recorded. */
  readonly untaken: number
  /** Missing in gaps. */
  readonly lost: number
  /** How often the camera was found. */
  readonly starts: number
  /** Of its programs. */
  readonly cpuSeconds: number
}

/** As `gainnet measure sensors` shows them. */
export function cameraFigureLines(figures: CameraFigures): Figure[] {
  const { given, askedPerSecond, delivered, untaken, lost, starts, cpuSeconds } = figures
  const rate = given?.imagesPerSecond
  return [
    { name: 'asked for', ...amount(askedPerSecond, '/s') },
    ...(given ? [{ name: 'camera gives', value: givenText(given), unit: '' }] : []),
    ...(rate === undefined ? [] : [{ name: 'camera says', ...amount(rate, '/s') }]),
    { name: 'pictures', ...amount(delivered, '') },
    { name: 'pictures that nobody took', ...amount(untaken, '') },
    { name: 'pictures lost in gaps', ...amount(lost, '') },
    { name: 'camera started', ...amount(starts, 'times') },
    { name: 'CPU time of its programs', ...amount(cpuSeconds, 's') },
  ]
}

function givenText({ codec, pixelFormat, width, height }: VideoStream): string {
  return `${width} x ${height}, ${codec}, ${pixelFormat}`
}

function amount(value: number, unit: string) {
  const text = Number.isInteger(value) ? `${value}` : writtenNumber(value)
  return { value: text, unit, base: { value, unit } }
}
