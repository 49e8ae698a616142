import type { RowForm } from '../../protocol/row-form.ts'
import type { DataSketch } from '../../protocol/urp.ts'
import { addToHistogram, SKETCH_BINS, sketchKindOf } from '../../protocol/value-histogram.ts'

/** Kept while rows come; the counts of a sensor that delivers for years stay finite numbers. */
export class RowSketch {
  readonly #form: RowForm
  readonly #counts = new Float64Array(SKETCH_BINS)
  #rows = 0

  constructor(form: RowForm) {
    this.#form = form
  }

  /** Whole rows, little endian. */
  add(rows: Uint8Array, rowCount: number): void {
    addToHistogram(this.#counts, rows, this.#form.element)
    this.#rows += rowCount
  }

  /** Null while no row has come. */
  get value(): DataSketch | null {
    if (this.#rows === 0) return null
    return {
      kind: sketchKindOf(this.#form),
      counts: Array.from(this.#counts),
      sampleCount: this.#rows,
    }
  }
}
