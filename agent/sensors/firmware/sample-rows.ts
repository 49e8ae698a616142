import type { EventValues } from '../../../firmware-bridge/protocol/messages.ts'

/** Full scale of a sample. */
const SAMPLE_UNIT = 32_768

export interface SampleRow {
  readonly values: Float32Array
  /** When its first sample was taken, on the clock of the board. */
  readonly micros: number
}

/** Samples of a board, consecutive by their index, to rows of so many of them. */
export class SampleRows {
  readonly #rowValues: number
  #row: Float32Array
  #filled = 0
  #micros = 0
  #nextIndex = 0

  constructor(rowValues: number) {
    this.#rowValues = rowValues
    this.#row = new Float32Array(rowValues)
  }

  /** The board was told to start: it counts from 0 again. */
  restart(): void {
    this.#filled = 0
    this.#nextIndex = 0
  }

  /** `lostRows` are missing before the first row; parts of rows count as parts. */
  push({ firstIndex, firstMicros, periodMicros, values }: EventValues<'samples'>): {
    readonly rows: readonly SampleRow[]
    readonly lostRows: number
  } {
    const missing = firstIndex - this.#nextIndex
    // A row with a hole in it is none.
    const lostRows = missing === 0 ? 0 : (Math.max(0, missing) + this.#filled) / this.#rowValues
    if (missing !== 0) this.#filled = 0
    this.#nextIndex = firstIndex + values.length
    const rows: SampleRow[] = []
    for (const [index, value] of values.entries()) {
      if (this.#filled === 0) this.#micros = firstMicros + index * periodMicros
      this.#row[this.#filled] = value / SAMPLE_UNIT
      this.#filled += 1
      if (this.#filled < this.#rowValues) continue
      rows.push({ values: this.#row, micros: this.#micros })
      this.#row = new Float32Array(this.#rowValues)
      this.#filled = 0
    }
    return { rows, lostRows }
  }
}
