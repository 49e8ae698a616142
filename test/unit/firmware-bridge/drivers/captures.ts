import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { StreamDecoder, Tally } from '../../../../firmware-bridge/drivers/stream-decoder.ts'
import { seededRandom } from '../../../../runtime/seeded-random.ts'
import { sharedFile } from '../../../support/directories.ts'

/** A recorded byte stream, unpacked, or undefined where this machine has none. */
export function capture(name: string): Buffer | undefined {
  const file = sharedFile(`data/${name}`)
  if (!file) return undefined
  const bytes = readFileSync(file)
  return name.endsWith('.gz') ? gunzipSync(bytes) : bytes
}

export function decoded<Reading>(
  decoder: StreamDecoder<Reading>,
  bytes: Uint8Array,
): { readonly readings: readonly Reading[]; readonly tally: Tally } {
  const readings = decoder.push(bytes)
  decoder.finish()
  return { readings, tally: decoder.tally }
}

/** The same bytes as a serial port hands them on: in pieces of 1 to 64. */
export function decodedInPieces<Reading>(
  decoder: StreamDecoder<Reading>,
  bytes: Uint8Array,
): { readonly readings: readonly Reading[]; readonly tally: Tally } {
  const random = seededRandom(7)
  const readings: Reading[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + Math.floor(random() * 64)
    readings.push(...decoder.push(bytes.subarray(at, end)))
    at = end
  }
  decoder.finish()
  return { readings, tally: decoder.tally }
}
