import type { SampleValues } from './samples.ts'

/** Rows with no gap between them, and their classes where they have any; -1 is not known. */
export interface LabelledRows {
  /** Little endian, row after row. */
  readonly rows: Uint8Array
  readonly labels: Int32Array | null
}

/** How a sample is cut from rows; protocol/sample-spec.ts says it to agents. */
export interface WindowSpec {
  readonly form: { readonly element: 'uint8' | 'float32'; readonly shape: readonly number[] }
  readonly windowRows: number
  readonly strideRows: number
  readonly inputRows: number
  readonly inputElement: 'int32' | 'float32'
  readonly rowsLast: boolean
  readonly scaling?:
    | { readonly means: readonly number[]; readonly deviations: readonly number[] }
    | undefined
  readonly labels:
    | { readonly kind: 'none' }
    | { readonly kind: 'class'; readonly classes: number }
    | { readonly kind: 'rows'; readonly rows: number; readonly element: 'int32' | 'float32' }
}

export interface WindowSamples {
  readonly inputs: SampleValues
  readonly inputWidth: number
  readonly labels?: SampleValues
  readonly sampleCount: number
}

interface Place {
  readonly segment: LabelledRows
  readonly row: number
}

/** Samples from the segments in their order, the first `samplesMax`. */
export function cutWindows(
  segments: readonly LabelledRows[],
  spec: WindowSpec,
  samplesMax: number,
): WindowSamples {
  const places = segments.flatMap(segment => placesIn(segment, spec)).slice(0, samplesMax)
  const width = elementsOf(spec)
  const { inputRows, inputElement, labels, windowRows } = spec
  const inputWidth = inputRows * width
  const inputs = arrayOf(inputElement, places.length * inputWidth)
  const sources = new Map(segments.map(segment => [segment, new RowValues(segment.rows, spec)]))
  for (const [at, { segment, row }] of places.entries()) {
    const target = inputs.subarray(at * inputWidth, (at + 1) * inputWidth)
    sources.get(segment)?.copy(row, inputRows, target, spec.rowsLast)
  }
  const made = { inputs, inputWidth, sampleCount: places.length }
  if (labels.kind === 'none') return made
  if (labels.kind === 'class') {
    const classes = places.map(({ segment, row }) => segment.labels?.[row] ?? -1)
    return { ...made, labels: Int32Array.from(classes) }
  }
  const labelWidth = labels.rows * width
  const wanted = arrayOf(labels.element, places.length * labelWidth)
  for (const [at, { segment, row }] of places.entries()) {
    const target = wanted.subarray(at * labelWidth, (at + 1) * labelWidth)
    sources.get(segment)?.copy(row + windowRows - labels.rows, labels.rows, target, false)
  }
  return { ...made, labels: wanted }
}

/** How many samples the segments hold. */
export function countWindows(segments: readonly LabelledRows[], spec: WindowSpec): number {
  return segments.reduce((sum, segment) => sum + placesIn(segment, spec).length, 0)
}

function placesIn(segment: LabelledRows, spec: WindowSpec): Place[] {
  const { windowRows, strideRows, labels } = spec
  const rowBytes = elementsOf(spec) * (spec.form.element === 'uint8' ? 1 : 4)
  const rowCount = Math.floor(segment.rows.length / rowBytes)
  const count = Math.max(0, Math.floor((rowCount - windowRows) / strideRows) + 1)
  const places = Array.from({ length: count }, (_, at) => ({ segment, row: at * strideRows }))
  if (labels.kind !== 'class') return places
  const sameFrom = startsOfClasses(segment.labels ?? new Int32Array(0))
  // All rows of a window have one class: the last one's has begun at its first row or before.
  return places.filter(({ row }) => {
    const label = segment.labels?.[row + windowRows - 1] ?? -1
    return (
      label >= 0 && label < labels.classes && (sameFrom[row + windowRows - 1] ?? row + 1) <= row
    )
  })
}

/** For each row the row from which on its class holds. */
function startsOfClasses(labels: Int32Array): Int32Array {
  const starts = new Int32Array(labels.length)
  for (let row = 1; row < labels.length; row++) {
    starts[row] = labels[row] === labels[row - 1] ? (starts[row - 1] ?? 0) : row
  }
  return starts
}

function elementsOf({ form }: Pick<WindowSpec, 'form'>): number {
  return form.shape.reduce((product, size) => product * size, 1)
}

function arrayOf(element: 'int32' | 'float32', length: number): SampleValues {
  return element === 'int32' ? new Int32Array(length) : new Float32Array(length)
}

/** Rows as scaled numbers. */
class RowValues {
  readonly #values: ArrayLike<number>
  readonly #width: number
  readonly #scaling: WindowSpec['scaling']

  constructor(rows: Uint8Array, { form, scaling }: WindowSpec) {
    this.#width = elementsOf({ form })
    this.#scaling = scaling
    // A copy: rows may lie at any place of a buffer, floats may not.
    this.#values = form.element === 'uint8' ? rows : new Float32Array(new Uint8Array(rows).buffer)
  }

  copy(fromRow: number, rowCount: number, target: SampleValues, rowsLast: boolean): void {
    const width = this.#width
    for (let row = 0; row < rowCount; row++) {
      for (let at = 0; at < width; at++) {
        const value = this.#scaled(this.#values[(fromRow + row) * width + at] ?? 0, at)
        target[rowsLast ? at * rowCount + row : row * width + at] = value
      }
    }
  }

  #scaled(value: number, at: number): number {
    const scaling = this.#scaling
    if (!scaling) return value
    const place = scaling.means.length === 1 ? 0 : at
    return (value - (scaling.means[place] ?? 0)) / (scaling.deviations[place] ?? 1)
  }
}
