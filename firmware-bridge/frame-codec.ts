import { cobsDecode, cobsEncode } from './cobs.ts'
import { crc16 } from './crc16.ts'

// One frame before stuffing, integers little-endian:
//
//   0       1           2            2+n
//   ├ type ─┼ sequence ─┼ payload … ─┼ crc16 ┤     on the wire: COBS of this, then 0x00
//
// The checksum covers type, sequence and payload.
const HEADER_BYTES = 2
const CHECKSUM_BYTES = 2

/** A microcontroller keeps a frame in a static buffer: large enough for samples, small for its RAM. */
export const PAYLOAD_BYTES_MAX = 1024

export const DELIMITER = 0

export interface Frame {
  readonly type: number
  readonly sequence: number
  readonly payload: Uint8Array
}

export type DecodeResult =
  | { readonly ok: true; readonly frame: Frame }
  | { readonly ok: false; readonly reason: 'stuffing' | 'truncated' | 'checksum' }

/** The bytes on the wire, with the delimiter at the end. */
export function encodeFrame({ type, sequence, payload }: Frame): Uint8Array {
  if (payload.length > PAYLOAD_BYTES_MAX) {
    throw new RangeError(`payload of ${payload.length} bytes, at most ${PAYLOAD_BYTES_MAX}`)
  }
  const covered = Uint8Array.from([type, sequence, ...payload])
  const crc = crc16(covered)
  const stuffed = cobsEncode(Uint8Array.from([...covered, crc & 0xff, crc >> 8]))
  return Uint8Array.from([...stuffed, DELIMITER])
}

/** Noise on a serial line is ordinary, so it is a result and not an exception. */
export function decodeFrame(stuffed: Uint8Array): DecodeResult {
  const body = cobsDecode(stuffed)
  if (body === null) return { ok: false, reason: 'stuffing' }
  if (body.length < HEADER_BYTES + CHECKSUM_BYTES) return { ok: false, reason: 'truncated' }
  const covered = body.subarray(0, -CHECKSUM_BYTES)
  const [low = 0, high = 0] = body.subarray(-CHECKSUM_BYTES)
  if (crc16(covered) !== (low | (high << 8))) return { ok: false, reason: 'checksum' }
  const [type = 0, sequence = 0] = covered
  return { ok: true, frame: { type, sequence, payload: covered.subarray(HEADER_BYTES) } }
}
