import { z } from 'zod'
import { type FieldMeta, sensorId, text } from './fields.ts'

/** Keys that only some sources have, and of these the one without which there is no picture. */
const SOURCES = {
  v4l2: {
    needed: 'device',
    taken: ['device', 'inputFormat', 'captureWidth', 'captureHeight'],
  },
  rtsp: { needed: 'url', taken: ['url', 'username', 'password'] },
  rpicam: { needed: undefined, taken: ['camera', 'captureWidth', 'captureHeight'] },
  jetson: { needed: undefined, taken: ['camera', 'captureWidth', 'captureHeight'] },
  file: { needed: 'path', taken: ['path', 'speed'] },
} as const

type SourceName = keyof typeof SOURCES

const SOURCE_NAMES = Object.keys(SOURCES) as SourceName[]
const SOURCE_KEYS = [...new Set(SOURCE_NAMES.flatMap(name => SOURCES[name].taken))]

/** Lines of pictures of the Raspberry Pi's and the Jetson's are padded to 64 bytes. */
const CSI_STEP = 64

const pixels = (o: { readonly min: number; readonly max: number }) => z.int().min(o.min).max(o.max)

function optionalText(example: string, description: string) {
  return text.optional().meta({ examples: [example], description } satisfies FieldMeta)
}

export const camera = z
  .strictObject({
    kind: z.literal('camera').describe('Pictures of a camera or of a recorded video.'),
    id: sensorId('road'),
    source: z.enum(SOURCE_NAMES).meta({
      examples: ['rpicam'],
      description:
        'Where the pictures come from. v4l2: a USB camera; rtsp: a network camera; rpicam: a camera on the ribbon cable of a ' +
        'Raspberry Pi; jetson: one of a Jetson; file: a video, over and over.',
    } satisfies FieldMeta),
    device: optionalText(
      '/dev/v4l/by-id/usb-046d_HD_Webcam_C270-video-index0',
      'Of v4l2: the device. A name below /dev/v4l/by-id stays when others are plugged in.',
    ),
    inputFormat: optionalText(
      'mjpeg',
      'Of v4l2: how the camera sends pictures, as ffmpeg names it; the camera chooses when not set.',
    ),
    url: optionalText(
      'rtsp://192.168.1.20:554/stream2',
      'Of rtsp: the address, without a password.',
    ),
    username: optionalText('viewer', 'Of rtsp: who may look.'),
    password: text.optional().meta({
      secret: true,
      examples: ['a-long-secret'],
      description: 'Of rtsp: password. Users of this board can see it in the list of processes.',
    } satisfies FieldMeta),
    camera: z
      .int()
      .min(0)
      .max(15)
      .optional()
      .meta({
        derived: '0',
        examples: [1],
        description: 'Of rpicam and jetson: which of the cameras.',
      } satisfies FieldMeta),
    path: text.optional().meta({
      path: true,
      examples: ['/var/lib/gainnet/road.mp4'],
      description: 'Of file: the video.',
    } satisfies FieldMeta),
    speed: z
      .number()
      .min(0.1)
      .max(100)
      .optional()
      .meta({
        derived: '1',
        examples: [0.5],
        description: 'Of file: times the pace at which it was recorded.',
      } satisfies FieldMeta),
    captureWidth: pixels({ min: 16, max: 7680 })
      .optional()
      .meta({
        derived: '640',
        examples: [1280],
        description:
          'Of v4l2, rpicam and jetson: width that the camera is asked for; the last two take ' +
          'multiples of 64.',
      } satisfies FieldMeta),
    captureHeight: pixels({ min: 16, max: 4320 })
      .optional()
      .meta({
        derived: '480',
        examples: [720],
        description: 'Of v4l2, rpicam and jetson: height that the camera is asked for.',
      } satisfies FieldMeta),
    imagesPerSecond: z
      .number()
      .min(0.1)
      .max(240)
      .default(10)
      .describe('Pictures a second that are taken; a camera that sends more is thinned.'),
    width: pixels({ min: 4, max: 1024 }).default(64).describe('Width of a picture for training.'),
    height: pixels({ min: 4, max: 1024 }).default(48).describe('Height of a picture for training.'),
    colour: z
      .enum(['grey', 'rgb'])
      .default('grey')
      .describe('One channel or three; channels come first in a row.'),
    element: z
      .enum(['uint8', 'float32'])
      .default('uint8')
      .describe(
        'What a value is: uint8 from 0 to 255, or float32 from 0 to 1 in four times the bytes.',
      ),
    frozenPeriods: z
      .int()
      .min(2)
      .max(1_000_000)
      .default(50)
      .describe('Pictures in a row without any change, after which a camera counts as frozen.'),
  })
  .superRefine(checkSource)
  .describe('Pictures of a camera or of a recorded video.')

type Camera = {
  readonly source: SourceName
  readonly width: number
  readonly height: number
  readonly captureWidth?: number | undefined
  readonly url?: string | undefined
} & { readonly [Key in (typeof SOURCE_KEYS)[number]]?: unknown }

/** The keys of a source are needed with it, and refused with another. */
function checkSource(entry: Camera, context: z.RefinementCtx): void {
  const fail = (key: string, message: string): void => {
    context.addIssue({ code: 'custom', path: [key], message })
  }
  const { source, captureWidth, url } = entry
  const { needed, taken } = SOURCES[source]
  if (needed !== undefined && entry[needed] === undefined) fail(needed, `is needed by ${source}`)
  const known: readonly string[] = taken
  for (const key of SOURCE_KEYS) {
    if (entry[key] !== undefined && !known.includes(key)) fail(key, `is no key of ${source}`)
  }
  const isCsi = source === 'rpicam' || source === 'jetson'
  if (isCsi && captureWidth !== undefined && captureWidth % CSI_STEP !== 0) {
    fail('captureWidth', `must be a multiple of ${CSI_STEP} with ${source}`)
  }
  if (url !== undefined && !isAddress(url)) {
    fail('url', 'must be rtsp://host:port/path or rtsps://…, without user and password')
  }
}

function isAddress(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, hostname, username } = new URL(url)
  return /^rtsps?:$/.test(protocol) && hostname !== '' && username === ''
}
