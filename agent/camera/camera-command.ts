import type { CameraSource, CaptureSize, ImageForm } from './camera-source.ts'

/** One program of a chain; each writes its standard output into the standard input of the next. */
export interface Stage {
  /** The first of these that is installed. */
  readonly programs: readonly string[]
  readonly args: readonly string[]
}

const FFMPEG = ['ffmpeg'] as const

/**
 * Programs and arguments for a source, the same for the same input; nothing passes through a shell.
 * The last one is always ffmpeg, which thins, scales and converts: its output is picture after
 * picture, a byte a pixel, one plane a channel, and nothing in between.
 */
export function cameraStages(
  source: CameraSource,
  image: ImageForm,
  imagesPerSecond: number,
): readonly Stage[] {
  // Cameras take whole rates; what comes too often is thinned afterwards.
  const captureRate = Math.max(1, Math.ceil(imagesPerSecond))
  const convert = (input: readonly string[], rate = imagesPerSecond): Stage =>
    ffmpegStage(input, { image, rate })
  switch (source.from) {
    case 'v4l2':
      return [convert(v4l2Input(source, captureRate))]
    case 'rtsp':
      return [convert(rtspInput(source))]
    case 'file':
      // Its time stamps are those of the recording.
      return [convert(fileInput(source), imagesPerSecond / (source.speed ?? 1))]
    case 'rpicam':
      return [rpicamStage(source, captureRate), convert(rawInput(source.capture, captureRate))]
    case 'jetson':
      return [jetsonStage(source, captureRate), convert(rawInput(source.capture, captureRate))]
  }
}

type Of<From extends CameraSource['from']> = Extract<CameraSource, { readonly from: From }>

function v4l2Input({ device, capture, inputFormat }: Of<'v4l2'>, rate: number): string[] {
  return [
    ...['-f', 'v4l2', '-framerate', `${rate}`, '-video_size', sizeText(capture)],
    ...(inputFormat === undefined ? [] : ['-input_format', inputFormat]),
    ...['-i', device],
  ]
}

/** Over TCP: half pictures of lost UDP packets are worse than a picture that comes late. */
function rtspInput(source: Of<'rtsp'>): string[] {
  return [
    ...['-rtsp_transport', 'tcp', '-allowed_media_types', 'video'],
    // Else ffmpeg looks at five seconds of a stream whose rate it is not told.
    ...['-fflags', 'nobuffer', '-analyzeduration', '500000'],
    ...['-i', urlWithCredentials(source)],
  ]
}

export function urlWithCredentials({ url, username, password }: Of<'rtsp'>): string {
  if (username === undefined) return url
  const credentials = [username, password ?? ''].map(encodeURIComponent).join(':')
  return url.replace('://', `://${credentials}@`)
}

function fileInput({ path, speed }: Of<'file'>): string[] {
  // -readrate is of ffmpeg 5.1, -re of all.
  const pace = speed === null ? [] : speed === 1 ? ['-re'] : ['-readrate', `${speed}`]
  return [...pace, '-stream_loop', '-1', '-i', path]
}

/** libcamera-vid is its name on Raspberry Pi OS 11. */
function rpicamStage({ camera, capture }: Of<'rpicam'>, rate: number): Stage {
  return {
    programs: ['rpicam-vid', 'libcamera-vid'],
    args: [
      ...['--nopreview', '--timeout', '0', '--camera', `${camera}`],
      ...['--width', `${capture.width}`, '--height', `${capture.height}`],
      ...['--framerate', `${rate}`, '--codec', 'yuv420', '--flush', '--output', '-'],
    ],
  }
}

/** The image processor of the Jetson scales; what crosses the pipe is in ordinary memory. */
function jetsonStage({ camera, capture }: Of<'jetson'>, rate: number): Stage {
  const size = `width=${capture.width},height=${capture.height}`
  const elements = [
    ['nvarguscamerasrc', `sensor-id=${camera}`],
    [`video/x-raw(memory:NVMM),framerate=${rate}/1`],
    ['nvvidconv'],
    [`video/x-raw,format=I420,${size}`],
    ['fdsink', 'fd=1', 'sync=false'],
  ]
  const pipeline = elements.flatMap((element, index) => (index > 0 ? ['!', ...element] : element))
  return { programs: ['gst-launch-1.0'], args: ['--quiet', ...pipeline] }
}

function rawInput(capture: CaptureSize, rate: number): string[] {
  return [
    // The rate that the camera gives may be another one than it was asked for.
    ...['-use_wallclock_as_timestamps', '1', '-f', 'rawvideo', '-pixel_format', 'yuv420p'],
    ...['-video_size', sizeText(capture), '-framerate', `${rate}`, '-i', 'pipe:0'],
  ]
}

function sizeText({ width, height }: CaptureSize): string {
  return `${width}x${height}`
}

function ffmpegStage(
  input: readonly string[],
  { image, rate }: { readonly image: ImageForm; readonly rate: number },
): Stage {
  return {
    programs: FFMPEG,
    args: [
      ...['-nostdin', '-hide_banner', '-nostats', '-loglevel', 'level+info', '-threads', '1'],
      ...input,
      ...['-map', '0:v:0', '-filter_threads', '1', '-vf', filterText(image, rate)],
      // At the rate of the time stamps: no picture is repeated or left out here.
      ...['-r', `${rate}`, '-flush_packets', '1', '-f', 'rawvideo', 'pipe:1'],
    ],
  }
}

function filterText({ width, height, colour }: ImageForm, rate: number): string {
  return [
    thinning(rate),
    // Numbered anew, so that a constant output rate repeats nothing while a camera is slow: neither
    // -vsync (gone in ffmpeg 9) nor -fps_mode (new in 5.1) is known to all versions.
    `setpts=N/(${rate}*TB)`,
    `scale=${width}:${height}:flags=area`,
    colour === 'grey' ? 'format=gray' : 'format=gbrp',
  ].join(',')
}

/**
 * Lets through as many pictures a second as were asked for, where more come. Register 0 holds when the
 * next one is due, in periods; half a period of jitter is forgiven, so that a camera at just that
 * rate loses none. A clock that stepped back starts anew.
 */
function thinning(rate: number): string {
  const now = `t*${rate}`
  const due = 'ld(0)'
  const steppedBack = `lt(${now},${due}-2)`
  const next = `st(0,if(${steppedBack},${now},max(${due}+1,${now})))`
  return `select='if(gte(${now},${due}-0.5)+${steppedBack},${next}*0+1,0)'`
}
