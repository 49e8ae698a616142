import { type RowForm, rowElements } from '../../protocol/row-form.ts'
import type { SampleSpec } from '../../protocol/sample-spec.ts'
import type { DataSketch } from '../../protocol/urp.ts'
import { addToHistogram, SKETCH_BINS, sketchKindOf } from '../../protocol/value-histogram.ts'
import type { LabelledRows } from '../../training/samples/row-windows.ts'

/** The rows that judge a model. */
export interface HeldBackRows extends LabelledRows {
  readonly rowCount: number
}

/** Histogram of the held-back rows: the target distribution Q of a model (orchestration, 3.1). */
export function sketchOfRows(form: RowForm, { rows, rowCount }: HeldBackRows): DataSketch {
  const counts = new Float64Array(SKETCH_BINS)
  addToHistogram(counts, rows, form.element)
  return { kind: sketchKindOf(form), counts: Array.from(counts), sampleCount: rowCount }
}

/** Rows with more values have one mean and deviation for all, so that the manifest stays small. */
const COLUMNS_MAX = 256
/** Of what never changes: it then counts as its mean. */
const DEVIATION_MIN = 1e-6

/** Mean and deviation of each value of a row. */
export function standardScaling(
  form: RowForm,
  { rows }: HeldBackRows,
): NonNullable<SampleSpec['scaling']> {
  const elements = rowElements(form)
  const width = elements <= COLUMNS_MAX ? elements : 1
  const values = form.element === 'uint8' ? rows : new Float32Array(new Uint8Array(rows).buffer)
  const means = new Array<number>(width).fill(0)
  const squares = new Array<number>(width).fill(0)
  const share = width / values.length
  for (const [at, value] of values.entries()) {
    means[at % width] = (means[at % width] ?? 0) + value * share
  }
  for (const [at, value] of values.entries()) {
    const off = value - (means[at % width] ?? 0)
    squares[at % width] = (squares[at % width] ?? 0) + off * off * share
  }
  return { means, deviations: squares.map(square => Math.max(DEVIATION_MIN, Math.sqrt(square))) }
}
