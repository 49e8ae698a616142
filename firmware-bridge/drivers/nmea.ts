import GPS, { type NMEA } from 'gps'
import { fixOf, type GnssFix } from './gnss-fix.ts'
import type { Look } from './stream-decoder.ts'

/**
 * NMEA 0183 sentences. A sentence has 82 characters at most (NMEA 0183 5.3); receivers overstep it.
 * Fields are read by GPS.js; where a sentence ends in a stream that also carries binary messages, and
 * whether it arrived whole, is found here.
 */
const SENTENCE_BYTES_MAX = 160
export const NMEA_STARTS = [0x24, 0x21] as const

const KILOMETRES_AN_HOUR = 3.6

export function lookForSentence(bytes: Buffer): Look<GnssFix> {
  // Every address begins with a capital (6.2): the start byte alone is common in binary data.
  if (bytes.length > 1 && !isCapital(bytes[1])) return { is: 'noise', bytes: 1 }
  const end = endOfSentence(bytes)
  if (end === null) {
    return bytes.length > SENTENCE_BYTES_MAX
      ? { is: 'dropped', bytes: 1, reason: 'NMEA sentence too long' }
      : { is: 'unfinished' }
  }
  if (bytes[end] !== 0x0a) return { is: 'dropped', bytes: end, reason: 'NMEA sentence broken off' }
  const line = bytes.toString('latin1', 0, end).trimEnd()
  const taken = end + 1
  const stated = /^[$!]([^*]*)\*([0-9A-Fa-f]{2})$/.exec(line)
  if (!stated) return { is: 'dropped', bytes: taken, reason: 'NMEA without checksum' }
  const [, body = '', checksum = ''] = stated
  if (checksumOf(body) !== Number.parseInt(checksum, 16)) {
    return { is: 'dropped', bytes: taken, reason: 'NMEA checksum' }
  }
  return lookAtSentence(line, taken)
}

function isCapital(byte = 0): boolean {
  return byte >= 0x41 && byte <= 0x5a
}

/** Of the line feed, or of the first byte that no sentence has, a new start among them. */
function endOfSentence(bytes: Buffer): number | null {
  const searched = Math.min(bytes.length, SENTENCE_BYTES_MAX)
  for (let at = 1; at < searched; at++) {
    const byte = bytes[at] ?? 0
    if (byte === 0x0d) continue
    if (byte < 0x20 || byte > 0x7e || byte === 0x24 || byte === 0x21) return at
  }
  return null
}

function checksumOf(body: string): number {
  return [...body].reduce((sum, character) => sum ^ character.charCodeAt(0), 0)
}

function lookAtSentence(line: string, bytes: number): Look<GnssFix> {
  const name = /^.(?:P|..)(\w*)/.exec(line)?.[1] ?? ''
  const sentence = parsed(line)
  if (sentence === null) return { is: 'dropped', bytes, reason: 'NMEA fields' }
  const reading = sentence === false ? null : fixFrom(sentence)
  return reading ? { is: 'reading', bytes, name, reading } : { is: 'other', bytes, name }
}

/** False for a kind that GPS.js does not know, null where the fields make no sense to it. */
function parsed(line: string): NMEA | false | null {
  try {
    const sentence = GPS.Parse(line)
    return sentence === false || sentence.valid ? sentence : null
  } catch {
    return null
  }
}

/** GGA and GLL state no date, so GPS.js takes the one of today: their time is left out. */
function fixFrom(sentence: NMEA): GnssFix | null {
  switch (sentence.type) {
    case 'RMC': {
      const { time, lat, lon, speed, track, status } = sentence
      return fixOf('RMC', status === 'active', {
        utc: time?.toISOString(),
        latitude: lat,
        longitude: lon,
        speedMetresPerSecond: speed === null ? null : speed / KILOMETRES_AN_HOUR,
        courseDegrees: track,
      })
    }
    case 'GGA':
      return fixOf('GGA', sentence.quality !== null, {
        latitude: sentence.lat,
        longitude: sentence.lon,
        altitudeMetres: sentence.alt,
        satellitesUsed: sentence.satellites,
        hdop: sentence.hdop,
      })
    case 'GLL':
      return fixOf('GLL', sentence.status === 'active', {
        latitude: sentence.lat,
        longitude: sentence.lon,
      })
    case 'ZDA':
      return fixOf('ZDA', sentence.time !== null, { utc: sentence.time?.toISOString() })
    default:
      return null
  }
}
