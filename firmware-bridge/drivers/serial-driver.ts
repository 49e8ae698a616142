import type { StreamDecoder, Tally } from './stream-decoder.ts'

/** One reading as values that models take: of order one, whatever the sensor's own unit is. */
export type Row = Float32Array

/** Bytes of a line in, rows out. For one connection. */
export interface RowReader {
  push(bytes: Uint8Array): readonly Row[]
  readonly tally: Tally
}

/** What is said to a sensor that does not talk by itself. */
export interface Asks {
  /** In turn, each ended as the sensor wants it. */
  readonly lines: readonly string[]
  /** From one to the next, and longer while no answer comes. */
  readonly everyMs: number
}

export interface SerialDriver {
  readonly senses: string
  /** Of the port that readings come from, as it leaves the factory. */
  readonly baudRate: number
  readonly decoder: () => StreamDecoder<unknown>
  /** Values of a row where none are configured. */
  readonly rowValues: number
  /** The values are fields with a meaning of their own, of which there are no more and no less. */
  readonly isFixed: boolean
  /** For docs/reference/sensor-drivers.md. */
  readonly rowMeaning: string
  /** A sensor that gave no reading for so long is lost. */
  readonly silenceMsMax: number
  readonly asks?: (rowValues: number) => Asks
  readonly reader: (rowValues: number) => RowReader
}

/** A driver whose readings somebody may want beside their rows. */
export interface ReadingDriver<Reading> extends SerialDriver {
  readonly reader: (rowValues: number, onReading?: (reading: Reading) => void) => RowReader
}

/** Ten readings of a slow sensor would be too long to wait for: it is to be out of the URP in 3 s. */
const SILENCE_MS_MAX = 2000
const ROW_VALUES = 64

export function serialDriver<Reading>(options: {
  readonly senses: string
  readonly baudRate: number
  readonly decoder: () => StreamDecoder<Reading>
  readonly rowMeaning: string
  /** The row of a reading, or null where it completes none. One for each connection: may remember. */
  readonly rows: (rowValues: number) => (reading: Reading) => Row | null
  readonly rowValues?: number
  readonly isFixed?: boolean
  readonly silenceMsMax?: number
  readonly asks?: (rowValues: number) => Asks
}): ReadingDriver<Reading> {
  const { decoder, rows, asks } = options
  return {
    senses: options.senses,
    baudRate: options.baudRate,
    decoder,
    rowValues: options.rowValues ?? ROW_VALUES,
    isFixed: options.isFixed ?? false,
    rowMeaning: options.rowMeaning,
    silenceMsMax: options.silenceMsMax ?? SILENCE_MS_MAX,
    ...(asks ? { asks } : {}),
    reader: (rowValues, onReading) => {
      const [stream, rowOf] = [decoder(), rows(rowValues)]
      return {
        get tally() {
          return stream.tally
        },
        push: bytes =>
          stream.push(bytes).flatMap(reading => {
            onReading?.(reading)
            const row = rowOf(reading)
            return row ? [row] : []
          }),
      }
    },
  }
}

/** The same curve with another count of points, by linear interpolation. */
export function resampled(values: ArrayLike<number>, count: number): Row {
  const last = values.length - 1
  return Float32Array.from({ length: count }, (_, index) => {
    const at = count > 1 ? (index * last) / (count - 1) : last / 2
    const below = Math.floor(at)
    const [a, b] = [values[below] ?? 0, values[Math.min(last, below + 1)] ?? 0]
    return a + (b - a) * (at - below)
  })
}
