import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { SERIAL_DRIVERS } from '../../firmware-bridge/drivers/registry.ts'
import { GainnetError } from '../../runtime/errors.ts'
import { packetOf, recordedFrames } from './radar-capture.ts'

/** Values of a row of the radar, the radio and the firmware: one model learns from all three. */
export const PROFILE_VALUES = 64
/** Of a grey picture for training, height and width. */
export const PICTURE = [12, 16] as const

/** Thirty seconds of a person who moves in front of the radar. */
const RADAR_FRAMES = 900
const RADAR_FRAMES_PER_SECOND = 30
/** Of the video of 30 s: what comes later judges. */
const VIDEO_SECONDS = 22
const PICTURES_PER_SECOND = 10

export interface Captures {
  readonly radar: { readonly bytes: Uint8Array; readonly bytesPerSecond: number }
  readonly radio: Uint8Array
  /** The video that the camera shows. */
  readonly video: string
  /** Rows that nobody trains on. */
  readonly heldBack: { readonly profiles: string; readonly pictures: string }
}

/** What the attached things will say, from real recordings below `data`; files go to `folder`. */
export function prepareCaptures(data: string, folder: string): Captures {
  const profiles = join(folder, 'profiles.bin')
  writeFileSync(profiles, radarRows(radarPackets(data, 'test')))
  const source = dataFile(data, 'video-traffic/car-detection.mp4')
  const video = join(folder, 'road.mp4')
  ffmpeg(['-i', source, '-t', `${VIDEO_SECONDS}`, '-vf', 'scale=192:108', '-an', video])
  const pictures = join(folder, 'pictures.bin')
  const [height, width] = PICTURE
  const filter = `fps=${PICTURES_PER_SECOND},scale=${width}:${height}:flags=area,format=gray`
  ffmpeg(['-ss', `${VIDEO_SECONDS}`, '-i', source, '-vf', filter, '-f', 'rawvideo', pictures])
  const packets = radarPackets(data, 'train')
  const bytes = Buffer.concat(packets)
  return {
    radar: { bytes, bytesPerSecond: (bytes.length / packets.length) * RADAR_FRAMES_PER_SECOND },
    radio: gunzipSync(readFileSync(dataFile(data, 'iq-captures/modes1.cu8.gz'))),
    video,
    heldBack: { profiles, pictures },
  }
}

function radarPackets(data: string, part: 'train' | 'test'): readonly Buffer[] {
  const bytes = gunzipSync(readFileSync(dataFile(data, `radhar-mmwave/${part}.bin.gz`)))
  return recordedFrames(bytes, RADAR_FRAMES).map((frame, index) => packetOf(frame, index))
}

/** As the radar's sensor makes them. */
function radarRows(packets: readonly Buffer[]): Uint8Array {
  const reader = SERIAL_DRIVERS['ti-mmwave'].reader(PROFILE_VALUES)
  const rows = packets.flatMap(packet => reader.push(packet))
  return Buffer.concat(rows.map(row => new Uint8Array(row.buffer)))
}

function dataFile(data: string, name: string): string {
  const path = join(data, name)
  if (existsSync(path)) return path
  throw new GainnetError('FILE_UNREADABLE', `${path} does not exist: --data names their folder`, {
    path,
  })
}

function ffmpeg(args: readonly string[]): void {
  execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args], { stdio: 'pipe' })
}
