import { type Row, serialDriver } from './serial-driver.ts'
import { type Look, StreamDecoder } from './stream-decoder.ts'

// Output packet of TI's mmWave SDK demos (mmw_output.h of SDK 1, 2 and 3), integers little-endian:
//
//   0       8         12       16         20      24       28        32      36            40
//   ├ magic ┼ version ┼ length ┼ platform ┼ frame ┼ cycles ┼ objects ┼ TLVs ┼ (sub-frame) ┼ TLV …
//
// The sub-frame number is missing on the xWR14xx. A TLV is type, length, value. The whole is padded
// to a multiple of 32 bytes, which `length` includes.
const MAGIC = Buffer.from([2, 1, 4, 3, 6, 5, 8, 7])
const SHORT_HEADER_BYTES = 36
const TLV_HEADER_BYTES = 8
const PACKET_BYTES_MAX = 65_536
const TLVS_MAX = 32

const DETECTED_OBJECTS = 1
/** The demo's own limit is 100 (SDK 1) to 500 points. */
const OBJECTS_MAX = 4096

export interface RadarPoint {
  /** Metres: x to the right, y forward, z up, as the SDK names them. */
  readonly x: number
  readonly y: number
  readonly z: number
  /** SDK 1 and 2: index of the bin; its width follows from the chirp profile. */
  readonly dopplerIndex?: number
  /** SDK 3. */
  readonly metresPerSecond?: number
  /** SDK 1 and 2: log-magnitude of the detection matrix. */
  readonly peak?: number
}

export interface RadarFrame {
  readonly frameNumber: number
  /** Of the radar's clock, at which the message was made. */
  readonly cycles: number
  readonly points: readonly RadarPoint[]
}

export function tiMmwaveDecoder(): StreamDecoder<RadarFrame> {
  return new StreamDecoder({ look: lookForPacket, messageBytesMax: PACKET_BYTES_MAX })
}

function lookForPacket(bytes: Buffer): Look<RadarFrame> {
  const at = bytes.indexOf(MAGIC)
  if (at > 0) return { is: 'noise', bytes: at }
  if (at < 0) return noiseBeforeMagic(bytes)
  if (bytes.length < SHORT_HEADER_BYTES) return { is: 'unfinished' }
  const packetBytes = bytes.readUInt32LE(12)
  const dropped = (reason: string): Look<never> => ({ is: 'dropped', bytes: MAGIC.length, reason })
  if (packetBytes < SHORT_HEADER_BYTES || packetBytes > PACKET_BYTES_MAX) {
    return dropped('packet length')
  }
  if (bytes.length < packetBytes) return { is: 'unfinished' }
  const packet = bytes.subarray(0, packetBytes)
  // The line lost bytes, so that the next packet begins within what this one claims.
  if (packet.indexOf(MAGIC, MAGIC.length) > 0) return dropped('packet cut short')
  const points = pointsOf(packet)
  if (typeof points === 'string') return dropped(points)
  const reading = {
    frameNumber: packet.readUInt32LE(20),
    cycles: packet.readUInt32LE(24),
    points,
  }
  return { is: 'reading', bytes: packetBytes, name: 'frame', reading }
}

/** The last bytes may be the first ones of a magic word. */
function noiseBeforeMagic(bytes: Buffer): Look<never> {
  for (let kept = Math.min(MAGIC.length - 1, bytes.length); kept > 0; kept--) {
    const tail = bytes.subarray(bytes.length - kept)
    if (!tail.equals(MAGIC.subarray(0, kept))) continue
    return kept === bytes.length
      ? { is: 'unfinished' }
      : { is: 'noise', bytes: bytes.length - kept }
  }
  return { is: 'noise', bytes: bytes.length }
}

/** All points of the packet, or what is wrong with it. */
function pointsOf(packet: Buffer): readonly RadarPoint[] | string {
  const isShort = (packet.readUInt32LE(16) & 0xffff) === 0x1443
  const sdk = packet.readUInt8(11)
  const tlvs = packet.readUInt32LE(32)
  if (tlvs > TLVS_MAX) return 'count of TLVs'
  let at = isShort ? SHORT_HEADER_BYTES : SHORT_HEADER_BYTES + 4
  const points: RadarPoint[] = []
  for (let index = 0; index < tlvs; index++) {
    if (at + TLV_HEADER_BYTES > packet.length) return 'TLV beyond the packet'
    const type = packet.readUInt32LE(at)
    const end = at + TLV_HEADER_BYTES + packet.readUInt32LE(at + 4)
    if (end > packet.length) return 'TLV beyond the packet'
    if (type === DETECTED_OBJECTS) {
      const value = packet.subarray(at + TLV_HEADER_BYTES, end)
      const found = sdk >= 3 ? floatPoints(value) : fixedPoints(value)
      if (typeof found === 'string') return found
      points.push(...found)
    }
    at = end
  }
  return points
}

const FIXED_POINT_BYTES = 12

/** Count and Q format, then range and Doppler index, peak, x, y, z of each (SDK 1 and 2). */
function fixedPoints(value: Buffer): readonly RadarPoint[] | string {
  if (value.length < 4) return 'objects too short'
  const count = value.readUInt16LE(0)
  const unit = 2 ** -value.readUInt16LE(2)
  if (count > OBJECTS_MAX || value.length < 4 + count * FIXED_POINT_BYTES) {
    return 'count of objects'
  }
  return Array.from({ length: count }, (_, index) => {
    const at = 4 + index * FIXED_POINT_BYTES
    return {
      dopplerIndex: value.readInt16LE(at + 2),
      peak: value.readUInt16LE(at + 4),
      x: value.readInt16LE(at + 6) * unit,
      y: value.readInt16LE(at + 8) * unit,
      z: value.readInt16LE(at + 10) * unit,
    }
  })
}

const FLOAT_POINT_BYTES = 16

/** x, y, z and radial speed as float32 (SDK 3). */
function floatPoints(value: Buffer): readonly RadarPoint[] | string {
  const count = value.length / FLOAT_POINT_BYTES
  if (!Number.isInteger(count) || count > OBJECTS_MAX) return 'count of objects'
  return Array.from({ length: count }, (_, index) => {
    const at = index * FLOAT_POINT_BYTES
    return {
      x: value.readFloatLE(at),
      y: value.readFloatLE(at + 4),
      z: value.readFloatLE(at + 8),
      metresPerSecond: value.readFloatLE(at + 12),
    }
  })
}

/** Profiles end there: rooms are not longer, and what is beyond counts as there. */
const METRES_MAX = 8
/** Doppler bins to either side that the SDK's profiles have at least. */
const DOPPLER_BINS = 8
/** Of a bin, where a packet has speeds (SDK 3); otherwise it depends on the chirp profile. */
const SPEED_STEP = 0.25
/** What a point counts where its peak is not told. */
const PEAK_USUAL = 1000
/** Decades of the sum of peaks, 16 bits each. */
const DECADES = 6

export const TI_MMWAVE = serialDriver({
  senses: 'points, by radar',
  baudRate: 921_600,
  decoder: tiMmwaveDecoder,
  rowMeaning:
    'logarithm of the power of all points, in 6 decades: the first half over distance up to 8 m, the second over Doppler from the fastest that come nearer to the fastest that go',
  rows: count => frame => profileRow(frame, count),
})

function profileRow({ points }: RadarFrame, count: number): Row {
  const half = Math.ceil(count / 2)
  const row = new Float32Array(count)
  for (const point of points) {
    const { x, y, z, peak = PEAK_USUAL } = point
    const range = binOf(Math.hypot(x, y, z) / METRES_MAX, half)
    const speed = point.dopplerIndex ?? (point.metresPerSecond ?? 0) / SPEED_STEP
    const doppler = half + binOf((speed + DOPPLER_BINS) / (2 * DOPPLER_BINS), count - half)
    for (const bin of [range, doppler]) row[bin] = (row[bin] ?? 0) + peak
  }
  return row.map(power => Math.log10(1 + power) / DECADES)
}

function binOf(share: number, bins: number): number {
  return Math.max(0, Math.min(bins - 1, Math.floor(share * bins)))
}
