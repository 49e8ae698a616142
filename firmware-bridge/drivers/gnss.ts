import type { GnssFix } from './gnss-fix.ts'
import { lookForSentence, NMEA_STARTS } from './nmea.ts'
import { type Look, StreamDecoder } from './stream-decoder.ts'
import { lookForUbx, UBX_BYTES_MAX, UBX_START } from './ubx.ts'

const STARTS: ReadonlySet<number> = new Set([...NMEA_STARTS, UBX_START])

/** Sentences and UBX frames as receivers mix them on one line. */
export function gnssDecoder(): StreamDecoder<GnssFix> {
  return new StreamDecoder({ look: lookForEither, messageBytesMax: UBX_BYTES_MAX })
}

function lookForEither(bytes: Buffer): Look<GnssFix> {
  const start = bytes.findIndex(byte => STARTS.has(byte))
  if (start !== 0) return { is: 'noise', bytes: start < 0 ? bytes.length : start }
  return bytes[0] === UBX_START ? lookForUbx(bytes) : lookForSentence(bytes)
}
