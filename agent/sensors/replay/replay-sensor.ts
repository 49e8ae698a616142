import { formText, type RowForm, rowBytesOf } from '../../../protocol/row-form.ts'
import type { DataSketch, SensingFigures } from '../../../protocol/urp.ts'
import { type Clock, until } from '../../../runtime/clock.ts'
import { GainnetError, messageOf } from '../../../runtime/errors.ts'
import { type RowFile, readRowFile } from '../../../training/datasets/row-file.ts'
import { RowSketch } from '../row-sketch.ts'
import type { Recording, RecordOptions, Segment, Sensor } from '../sensor.ts'

/** How often rows are handed on. */
const TICK_MS = 50
/** What it keeps while nobody takes it; more is lost, as in the buffer of a real sensor. */
const BUFFER_SECONDS = 1
/** A capture is held in memory as a whole. */
const ROWS_BYTES_MAX = 256 * 2 ** 20

export interface ReplayOptions {
  readonly id: string
  readonly path: string
  readonly labels?: string | undefined
  readonly labelColumn?: string | undefined
  readonly element: RowForm['element']
  readonly shape: readonly number[]
  readonly rowsPerSecond: number
  readonly clock: Clock
}

/** Rows of one segment, as places in the capture. */
interface Stretch {
  readonly places: number[]
  readonly atMs: number[]
}

/**
 * A capture as a sensor: its rows one after the other at a stated pace, over and over. Between two
 * recordings it stands still, so that all of it is seen.
 */
export class ReplaySensor implements Sensor {
  readonly kind = 'replay'
  readonly id: string
  readonly form: RowForm
  readonly senses: string
  readonly #options: ReplayOptions
  #file: RowFile | null = null
  #sketch: RowSketch | null = null
  #next = 0
  #reason: string | undefined

  constructor(options: ReplayOptions) {
    this.id = options.id
    this.form = { element: options.element, shape: [...options.shape] }
    this.senses = `${formText(this.form)}, replayed`
    this.#options = options
  }

  get status(): 'ok' | 'lost' {
    return this.#file ? 'ok' : 'lost'
  }

  get reason(): string | undefined {
    return this.#reason
  }

  async open(): Promise<void> {
    try {
      this.#file = await this.#read()
      this.#reason = undefined
    } catch (cause) {
      this.#reason = messageOf(cause)
      throw new GainnetError('SENSOR_UNAVAILABLE', this.#reason, { sensor: this.id }, { cause })
    }
    this.#sketch = new RowSketch(this.form)
    this.#sketch.add(this.#file.rows, this.#file.rowCount)
  }

  async #read(): Promise<RowFile> {
    const file = await readRowFile(this.#options)
    if (file.rows.length <= ROWS_BYTES_MAX) return file
    throw new RangeError(`${this.#options.path} has more than ${ROWS_BYTES_MAX} bytes of rows`)
  }

  async record(options: RecordOptions): Promise<Recording> {
    if (!this.#file) await this.open()
    const file = this.#file
    return file ? this.#record(file, options) : { segments: [], droppedRows: 0 }
  }

  async #record(file: RowFile, options: RecordOptions): Promise<Recording> {
    const { untilMs, rowsMax, signal } = options
    const { clock, rowsPerSecond } = this.#options
    const bufferRows = Math.ceil(BUFFER_SECONDS * rowsPerSecond)
    const startedAtMs = clock.now()
    // Of n rows that come, those are taken at which the allocated count of rows grows.
    const share = Math.min(1, (options.rowsPerSecond ?? rowsPerSecond) / rowsPerSecond)
    const stretches: Stretch[] = [{ places: [], atMs: [] }]
    let [come, taken, dropped] = [0, 0, 0]
    while (clock.now() < untilMs && taken < rowsMax && !signal.aborted) {
      await until(clock, Math.min(untilMs, clock.now() + TICK_MS), signal).catch(() => undefined)
      const due = Math.floor(((clock.now() - startedAtMs) / 1000) * rowsPerSecond)
      const lost = Math.max(0, due - come - bufferRows)
      if (lost > 0) {
        dropped += lost
        come += lost
        this.#next += lost
        stretches.push({ places: [], atMs: [] })
      }
      for (; come < due && taken < rowsMax; come++) {
        const place = this.#next % file.rowCount
        if (place === 0) stretches.push({ places: [], atMs: [] })
        this.#next = place + 1
        if (Math.floor((come + 1) * share) === Math.floor(come * share)) continue
        stretches.at(-1)?.places.push(place)
        stretches.at(-1)?.atMs.push(startedAtMs + ((come + 1) * 1000) / rowsPerSecond)
        taken += 1
      }
    }
    const segments = stretches
      .filter(({ places }) => places.length > 0)
      .map(stretch => segmentOf(file, stretch, rowBytesOf(this.form)))
    return { segments, droppedRows: dropped }
  }

  figures(): SensingFigures | null {
    if (!this.#file) return null
    const { rowsPerSecond } = this.#options
    return {
      sensor: this.id,
      kind: this.kind,
      form: this.form,
      rowsPerSecond,
      bytesPerSecond: rowsPerSecond * rowBytesOf(this.form),
      dropShare: 0,
      resourceBlocks: 0,
      labelled: this.#file.labels !== null,
    }
  }

  sketch(): DataSketch | null {
    return this.#sketch?.value ?? null
  }

  async close(): Promise<void> {
    this.#file = null
  }
}

function segmentOf(
  { rows, labels }: RowFile,
  { places, atMs }: Stretch,
  rowBytes: number,
): Segment {
  const taken = new Uint8Array(places.length * rowBytes)
  for (const [at, place] of places.entries()) {
    taken.set(rows.subarray(place * rowBytes, (place + 1) * rowBytes), at * rowBytes)
  }
  return {
    rows: taken,
    atMs: Float64Array.from(atMs),
    labels: labels && Int32Array.from(places, place => labels[place] ?? -1),
  }
}
