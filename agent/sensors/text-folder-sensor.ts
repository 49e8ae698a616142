import type { RowForm } from '../../protocol/row-form.ts'
import type { DataSketch, SensingFigures } from '../../protocol/urp.ts'
import { type Clock, until } from '../../runtime/clock.ts'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import { type Random, seededRandom } from '../../runtime/seeded-random.ts'
import { RowSketch } from './row-sketch.ts'
import type { Recording, RecordOptions, Sensor } from './sensor.ts'
import { listTextFiles, readTextFile } from './text-files.ts'

/** How often bytes are handed on: a real serial sensor fills its buffer about as often. */
const TICK_MS = 50
/** What a sensor keeps while nobody takes it; more is lost, as in a UART's buffer. */
const BUFFER_SECONDS = 1
/** Enough for a histogram of 256 bins whose error is far below the distance between domains. */
const SKETCH_BYTES_MAX = 1024 * 1024
/** A trial lasts so long and until so many bytes were due: they tell the rate of a slow sensor. */
const TRIAL_MS = 500
const TRIAL_BYTES = 2
/** Below the trial's time, which may be short by the tick between two looks at the clock. */
const FIGURES_MS_MIN = TRIAL_MS / 2

export interface TextFolderOptions {
  readonly id: string
  readonly path: string
  readonly bytesPerSecond: number
  readonly seed: number
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Text files as a sensor: one byte after the other at a stated pace, file after file in an order
 * drawn from the seed, over and over. A row is one byte.
 */
export class TextFolderSensor implements Sensor {
  readonly kind = 'text-folder'
  readonly senses = 'text, bytes'
  readonly form: RowForm = { element: 'uint8', shape: [] }
  readonly id: string
  readonly #options: TextFolderOptions
  readonly #random: Random
  #files: string[] = []
  #nextFile = 0
  #current: Uint8Array = new Uint8Array()
  #position = 0
  #sketch: RowSketch | null = null
  #figures: SensingFigures | null = null
  #status: 'ok' | 'lost' = 'lost'
  #opening: Promise<void> | null = null
  readonly #closing = new AbortController()

  constructor(options: TextFolderOptions) {
    this.id = options.id
    this.#options = options
    this.#random = seededRandom(options.seed)
  }

  get status(): 'ok' | 'lost' {
    return this.#status
  }

  /** Who calls while it is being opened waits for the same attempt. */
  open(): Promise<void> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null
    })
    return this.#opening
  }

  async record(options: RecordOptions): Promise<Recording> {
    if (this.#opening || this.#status === 'lost') await this.open()
    return this.#record(options)
  }

  figures(): SensingFigures | null {
    return this.#status === 'ok' ? this.#figures : null
  }

  sketch(): DataSketch | null {
    return this.#sketch?.value ?? null
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the sensor is closed'))
    this.#status = 'lost'
    this.#current = new Uint8Array()
  }

  async #open(): Promise<void> {
    const { clock, path, bytesPerSecond } = this.#options
    this.#files = await listTextFiles(path, this.#random)
    this.#nextFile = 0
    await this.#sketchFiles()
    this.#closing.signal.throwIfAborted()
    this.#status = 'ok'
    await this.#record({
      untilMs: clock.now() + Math.max(TRIAL_MS, (TRIAL_BYTES * 1000) / bytesPerSecond),
      rowsMax: Number.MAX_SAFE_INTEGER,
      signal: this.#closing.signal,
    })
    if (this.status === 'lost') {
      throw new GainnetError('SENSOR_UNAVAILABLE', `the folder ${path} was lost while it was tried`)
    }
  }

  async #record(options: RecordOptions): Promise<Recording> {
    const { untilMs, rowsMax, rowsPerSecond = Number.POSITIVE_INFINITY, signal } = options
    const { clock } = this.#options
    const bytesPerSecond = Math.min(this.#options.bytesPerSecond, rowsPerSecond)
    const bufferBytes = Math.ceil(BUFFER_SECONDS * bytesPerSecond)
    const startedAt = clock.now()
    const parts: Uint8Array[] = []
    const times: number[] = []
    let [taken, delivered, dropped] = [0, 0, 0]
    while (clock.now() < untilMs && taken < rowsMax && !signal.aborted) {
      await until(clock, Math.min(untilMs, clock.now() + TICK_MS), signal).catch(() => undefined)
      const sensed = Math.floor(((clock.now() - startedAt) / 1000) * bytesPerSecond)
      const due = sensed - delivered - dropped
      dropped += Math.max(0, due - bufferBytes)
      delivered = sensed - dropped
      const wanted = Math.min(due, bufferBytes, rowsMax - taken)
      const bytes = await this.#read(wanted)
      taken += bytes.length
      parts.push(bytes)
      for (let row = 0; row < bytes.length; row++) times.push(clock.now())
      if (bytes.length < wanted) {
        this.#lose()
        break
      }
    }
    // At a slower pace than its own it does not show what it can.
    if (bytesPerSecond === this.#options.bytesPerSecond) {
      this.#noteFigures(delivered, dropped, clock.now() - startedAt)
    }
    const rows = Buffer.concat(parts)
    const segment = { rows, atMs: Float64Array.from(times), labels: null }
    return { segments: rows.length > 0 ? [segment] : [], droppedRows: dropped }
  }

  /** A recording that ended at once, e.g. because its slots were over, says nothing of the rate. */
  #noteFigures(delivered: number, dropped: number, durationMs: number): void {
    if (durationMs < FIGURES_MS_MIN) return
    const rate = (delivered * 1000) / durationMs
    this.#figures = {
      sensor: this.id,
      kind: this.kind,
      form: this.form,
      rowsPerSecond: rate,
      bytesPerSecond: rate,
      dropShare: dropped / Math.max(1, delivered + dropped),
      resourceBlocks: 0,
      labelled: false,
    }
  }

  /** The next bytes of the endless text; shorter only when the folder became unreadable. */
  async #read(count: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    let missing = count
    for (let tries = 0; missing > 0 && tries <= this.#files.length; tries++) {
      if (this.#position >= this.#current.length) await this.#advance()
      const part = this.#current.subarray(this.#position, this.#position + missing)
      if (part.length > 0) tries = 0
      this.#position += part.length
      missing -= part.length
      parts.push(part)
    }
    return Buffer.concat(parts)
  }

  async #advance(): Promise<void> {
    const path = this.#files[this.#nextFile % this.#files.length]
    this.#nextFile += 1
    this.#position = 0
    this.#current = new Uint8Array()
    if (path === undefined) return
    try {
      this.#current = await readTextFile(path)
    } catch (error) {
      this.#options.log.debug({ path, reason: messageOf(error) }, 'text file skipped')
    }
  }

  async #sketchFiles(): Promise<void> {
    const { path } = this.#options
    const sketch = new RowSketch(this.form)
    let sketched = 0
    const share = Math.max(1024, Math.floor(SKETCH_BYTES_MAX / this.#files.length))
    for (const file of this.#files) {
      if (sketched >= SKETCH_BYTES_MAX) break
      const bytes = await readTextFile(file).catch(() => new Uint8Array())
      const part = bytes.subarray(0, share)
      sketch.add(part, part.length)
      sketched += part.length
    }
    this.#sketch = sketch
    if (sketched === 0) {
      throw new GainnetError('SENSOR_UNAVAILABLE', `only empty files in the folder ${path}`, {
        path,
      })
    }
  }

  #lose(): void {
    const { log, path } = this.#options
    if (this.#status === 'ok') log.warn({ sensor: this.id, path }, 'sensor lost: no readable text')
    this.#status = 'lost'
  }
}
