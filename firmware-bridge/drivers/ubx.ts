import { fixOf, type GnssFix } from './gnss-fix.ts'
import type { Look } from './stream-decoder.ts'

// UBX frame (u-blox M8 receiver description, UBX-13003221, 32.2), integers little-endian:
//
//   0      1      2       3     4        6         6+n
//   ├ b5 ──┼ 62 ──┼ class ┼ id ─┼ length ┼ payload ┼ ck_a ─ ck_b ┤
//
// The checksum (Fletcher, RFC 1145) covers class to payload.
export const UBX_START = 0xb5
const SECOND_BYTE = 0x62
const HEADER_BYTES = 6
const CHECKSUM_BYTES = 2
const PAYLOAD_BYTES_MAX = 2048

export const UBX_BYTES_MAX = HEADER_BYTES + PAYLOAD_BYTES_MAX + CHECKSUM_BYTES

export function lookForUbx(bytes: Buffer): Look<GnssFix> {
  if (bytes.length > 1 && bytes[1] !== SECOND_BYTE) return { is: 'noise', bytes: 1 }
  if (bytes.length < HEADER_BYTES) return { is: 'unfinished' }
  const payloadBytes = bytes.readUInt16LE(4)
  if (payloadBytes > PAYLOAD_BYTES_MAX) return { is: 'dropped', bytes: 2, reason: 'UBX length' }
  const end = HEADER_BYTES + payloadBytes
  if (bytes.length < end + CHECKSUM_BYTES) return { is: 'unfinished' }
  if (checksumOf(bytes.subarray(2, end)) !== bytes.readUInt16LE(end)) {
    return { is: 'dropped', bytes: 2, reason: 'UBX checksum' }
  }
  const id = bytes.readUInt16BE(2)
  const message = MESSAGES.get(id)
  const taken = end + CHECKSUM_BYTES
  if (!message || payloadBytes < message.payloadBytes) {
    return { is: 'other', bytes: taken, name: `UBX ${id.toString(16).padStart(4, '0')}` }
  }
  const reading = message.read(bytes.subarray(HEADER_BYTES, end))
  return { is: 'reading', bytes: taken, name: message.name, reading }
}

function checksumOf(bytes: Uint8Array): number {
  let [a, b] = [0, 0]
  for (const byte of bytes) {
    a = (a + byte) & 0xff
    b = (b + a) & 0xff
  }
  return a | (b << 8)
}

interface UbxMessage {
  readonly name: string
  readonly payloadBytes: number
  readonly read: (payload: Buffer) => GnssFix
}

/** Class and id, and what is read of the payload (UBX-13003221, 32.17). */
const MESSAGES: ReadonlyMap<number, UbxMessage> = new Map<number, UbxMessage>([
  [0x0102, { name: 'NAV-POSLLH', payloadBytes: 28, read: readPosition }],
  [0x0107, { name: 'NAV-PVT', payloadBytes: 92, read: readPositionVelocityTime }],
  [0x2800, { name: 'HNR-PVT', payloadBytes: 72, read: readHighRate }],
  [0x0121, { name: 'NAV-TIMEUTC', payloadBytes: 20, read: readTime }],
])

/** Nothing in the message says whether there is a fix: an error of over 10 km stands for none. */
const POSITION_ERROR_METRES_MAX = 10_000

function readPosition(payload: Buffer): GnssFix {
  const horizontalErrorMetres = payload.readUInt32LE(20) / 1e3
  return fixOf('NAV-POSLLH', horizontalErrorMetres < POSITION_ERROR_METRES_MAX, {
    longitude: payload.readInt32LE(4) / 1e7,
    latitude: payload.readInt32LE(8) / 1e7,
    altitudeMetres: payload.readInt32LE(16) / 1e3,
    horizontalErrorMetres,
  })
}

function readPositionVelocityTime(payload: Buffer): GnssFix {
  const isTimeKnown = (payload.readUInt8(11) & 0b11) === 0b11
  const isFixOk = (payload.readUInt8(21) & 1) === 1
  return fixOf('NAV-PVT', isFixOk, {
    utc: isTimeKnown ? utcAt(payload, 4, payload.readInt32LE(16)) : null,
    timeErrorSeconds: isTimeKnown ? payload.readUInt32LE(12) / 1e9 : null,
    satellitesUsed: payload.readUInt8(23),
    ...(isFixOk
      ? {
          longitude: payload.readInt32LE(24) / 1e7,
          latitude: payload.readInt32LE(28) / 1e7,
          altitudeMetres: payload.readInt32LE(36) / 1e3,
          horizontalErrorMetres: payload.readUInt32LE(40) / 1e3,
          speedMetresPerSecond: payload.readInt32LE(60) / 1e3,
          courseDegrees: payload.readInt32LE(64) / 1e5,
        }
      : {}),
  })
}

/** 32.15: between two NAV-PVT, from the inertial sensors. */
function readHighRate(payload: Buffer): GnssFix {
  const isTimeKnown = (payload.readUInt8(11) & 0b11) === 0b11
  const isFixOk = (payload.readUInt8(17) & 1) === 1
  return fixOf('HNR-PVT', isFixOk, {
    utc: isTimeKnown ? utcAt(payload, 4, payload.readInt32LE(12)) : null,
    ...(isFixOk
      ? {
          longitude: payload.readInt32LE(20) / 1e7,
          latitude: payload.readInt32LE(24) / 1e7,
          altitudeMetres: payload.readInt32LE(32) / 1e3,
          horizontalErrorMetres: payload.readUInt32LE(52) / 1e3,
          speedMetresPerSecond: payload.readInt32LE(36) / 1e3,
          courseDegrees: payload.readInt32LE(44) / 1e5,
        }
      : {}),
  })
}

function readTime(payload: Buffer): GnssFix {
  const isValid = (payload.readUInt8(19) & 0b100) !== 0
  return fixOf('NAV-TIMEUTC', isValid, {
    utc: isValid ? utcAt(payload, 12, payload.readInt32LE(8)) : null,
    timeErrorSeconds: isValid ? payload.readUInt32LE(4) / 1e9 : null,
  })
}

/** Year, month, day, hour, minute, second from `at` on; the nanoseconds may be negative. */
function utcAt(payload: Buffer, at: number, nanoseconds: number): string {
  const [month = 1, day = 1, hour = 0, minute = 0, second = 0] = payload.subarray(at + 2, at + 7)
  const wholeSeconds = Date.UTC(payload.readUInt16LE(at), month - 1, day, hour, minute, second)
  return new Date(wholeSeconds + Math.round(nanoseconds / 1e6)).toISOString()
}
