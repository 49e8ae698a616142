import { resampled, serialDriver } from './serial-driver.ts'
import { type Look, StreamDecoder } from './stream-decoder.ts'
import { firstLine } from './text-lines.ts'

const LINE_BYTES_MAX = 256
/** Shown when a command has ended, without an end of line. */
const PROMPT = Buffer.from('ch> ')
/** The tinySA Ultra scans 450 points by itself; a `scan` may ask for more. */
const POINTS_MAX = 8192

/** The low input of the tinySA takes 0.1 to 350 MHz; a configured command goes over this one. */
const BAND_HZ = [100_000, 350_000_000] as const
/** A sweep over the whole band takes seconds. */
const SWEEP_MS_MAX = 10_000

/** One sweep of a spectrum analyser, in the order in which it was scanned. */
export interface Sweep {
  readonly frequenciesHz: readonly number[]
  readonly levelsDbm: readonly number[]
}

/**
 * Answers of a tinySA to `scan <from> <to> <points> 3`: a line a point, frequency and level first,
 * and the prompt at the end (tinySA, USB interface).
 */
export function tinySaDecoder(): StreamDecoder<Sweep> {
  let points: [number, number][] = []
  const look = (bytes: Buffer): Look<Sweep> => {
    const compared = Math.min(bytes.length, PROMPT.length)
    if (bytes.subarray(0, compared).equals(PROMPT.subarray(0, compared))) {
      if (compared < PROMPT.length) return { is: 'unfinished' }
      const sweep = points
      points = []
      if (sweep.length === 0) return { is: 'other', bytes: PROMPT.length, name: 'prompt' }
      const reading = {
        frequenciesHz: sweep.map(([frequency]) => frequency),
        levelsDbm: sweep.map(([, level]) => level),
      }
      return { is: 'reading', bytes: PROMPT.length, name: 'sweep', reading }
    }
    const line = firstLine(bytes, LINE_BYTES_MAX)
    if ('is' in line) return line
    const [frequency = Number.NaN, level = Number.NaN] = line.text.trim().split(/\s+/).map(Number)
    if (!Number.isFinite(frequency) || !Number.isFinite(level) || line.text.trim() === '') {
      return { is: 'other', bytes: line.bytes, name: 'text' }
    }
    if (points.length >= POINTS_MAX) {
      points = []
      return { is: 'dropped', bytes: line.bytes, reason: 'sweep without an end' }
    }
    points.push([frequency, level])
    return { is: 'other', bytes: line.bytes, name: 'point' }
  }
  return new StreamDecoder({ look, messageBytesMax: LINE_BYTES_MAX })
}

export const TINYSA = serialDriver({
  senses: 'spectrum',
  baudRate: 115_200,
  decoder: tinySaDecoder,
  rowMeaning: 'level over -120 dBm in 100 dB, from the lowest frequency up',
  silenceMsMax: SWEEP_MS_MAX,
  asks: points => ({ lines: [`scan ${BAND_HZ[0]} ${BAND_HZ[1]} ${points} 3\r`], everyMs: 200 }),
  rows:
    count =>
    ({ levelsDbm }) =>
      resampled(
        levelsDbm.map(level => (level + 120) / 100),
        count,
      ),
})
