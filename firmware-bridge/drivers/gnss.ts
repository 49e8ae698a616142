import type { GnssFix } from './gnss-fix.ts'
import { lookForSentence, NMEA_STARTS } from './nmea.ts'
import { serialDriver } from './serial-driver.ts'
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

/** Each of these tells place, speed and time at once; what others add is kept for the next one. */
const ROW_SOURCES: ReadonlySet<string> = new Set(['RMC', 'NAV-PVT', 'HNR-PVT'])

/** A row a moment, whichever of several messages tells of it first. */
export const GNSS = serialDriver({
  senses: 'position and time',
  baudRate: 9600,
  decoder: gnssDecoder,
  rowMeaning:
    '1 with a fix, latitude in 90 degrees, longitude in 180, altitude in 1000 m, speed in 10 m/s, sine and cosine of the course, satellites in 10',
  rowValues: 8,
  isFixed: true,
  rows: () => {
    let [last, heard]: [string | undefined, Partial<GnssFix>] = [undefined, {}]
    return fix => {
      heard = fix.isValid ? { ...heard, ...fix } : {}
      if (!ROW_SOURCES.has(fix.source) || (fix.utc !== undefined && fix.utc === last)) return null
      last = fix.utc
      return fieldRow(heard)
    }
  },
})

function fieldRow(fix: Partial<GnssFix>): Float32Array {
  const course = ((fix.courseDegrees ?? 0) * Math.PI) / 180
  return Float32Array.of(
    fix.isValid ? 1 : 0,
    (fix.latitude ?? 0) / 90,
    (fix.longitude ?? 0) / 180,
    (fix.altitudeMetres ?? 0) / 1000,
    (fix.speedMetresPerSecond ?? 0) / 10,
    fix.courseDegrees === undefined ? 0 : Math.sin(course),
    fix.courseDegrees === undefined ? 0 : Math.cos(course),
    (fix.satellitesUsed ?? 0) / 10,
  )
}
