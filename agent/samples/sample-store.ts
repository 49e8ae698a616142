import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { formText, type RowForm } from '../../protocol/row-form.ts'
import type { DataSketch } from '../../protocol/urp.ts'
import { SKETCH_BINS } from '../../protocol/value-histogram.ts'
import { replaceFile } from '../../runtime/atomic-file.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import { RowSketch } from '../sensors/row-sketch.ts'
import type { Segment } from '../sensors/sensor.ts'
import {
  decodeRecording,
  encodeRecording,
  type RecordingHead,
  type StoredRecording,
} from './recording-file.ts'

/** What is kept in memory of a recording: a store of gigabytes has many. */
interface Entry {
  /** Counts every recording ever stored. */
  readonly sequence: number
  readonly bytes: number
  readonly sensor: string
  /** Sensor and form of its rows. */
  readonly series: string
  readonly rows: number
  readonly labelledRows: number
}

/** What is stored of one sensor. */
export interface StoredCounts {
  readonly recordings: number
  readonly rows: number
  readonly labelledRows: number
  readonly bytes: number
}

/**
 * The rows that training windows are cut from, on disk: a file a recording, named by its sequence, the
 * oldest out when the quota is full. A file takes its place as a whole and carries a checksum, so that
 * a crash or power cut costs at most the recordings that were not yet on disk. Private data: it never
 * leaves the board.
 */
export class SampleStore {
  readonly #folder: string
  readonly #quotaBytes: number
  readonly #log: Logger
  /** Oldest first. */
  readonly #entries: Entry[] = []
  /** Of the stored rows, by series. */
  readonly #sketches = new Map<string, RunningSketch>()
  #work: Promise<unknown> = Promise.resolve()

  private constructor(o: SampleStoreOptions) {
    this.#folder = o.folder
    this.#quotaBytes = o.quotaBytes
    this.#log = o.log
  }

  static async open(options: SampleStoreOptions): Promise<SampleStore> {
    const store = new SampleStore(options)
    await mkdir(options.folder, { recursive: true, mode: 0o700 })
    const names = (await readdir(options.folder)).sort()
    for (const name of names) await store.#recover(name)
    await store.#makeRoom(0)
    return store
  }

  /** Its number, by which it is read; 0 where it does not fit the quota at all, or the disk fails. */
  put(recording: StoredRecording): Promise<number> {
    return this.#inOrder(() => this.#put(recording))
  }

  /** The segments of a recording, or null where it is gone. */
  async read(sequence: number): Promise<readonly Segment[] | null> {
    const file = await readFile(this.#pathOf(sequence)).catch(() => null)
    return (file && decodeRecording(file))?.recording.segments ?? null
  }

  /** Recordings of a sensor that are older than this one, newest first. */
  olderThan(sequence: number, sensor: string, form: RowForm): readonly number[] {
    const series = seriesOf(sensor, form)
    return this.#entries
      .filter(entry => entry.series === series && entry.sequence < sequence)
      .map(entry => entry.sequence)
      .reverse()
  }

  counts(sensor: string): StoredCounts {
    const entries = this.#entries.filter(entry => entry.sensor === sensor)
    const sum = (of: (entry: Entry) => number) => entries.reduce((all, one) => all + of(one), 0)
    return {
      recordings: entries.length,
      rows: sum(({ rows }) => rows),
      labelledRows: sum(({ labelledRows }) => labelledRows),
      bytes: sum(({ bytes }) => bytes),
    }
  }

  /** What the stored rows of a sensor look like: with each recording in and out, and never anew. */
  sketch(sensor: string, form: RowForm): DataSketch | null {
    return this.#sketches.get(seriesOf(sensor, form))?.value ?? null
  }

  get bytes(): number {
    return this.#entries.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  async #put(recording: StoredRecording): Promise<number> {
    const { segments, form, sensor } = recording
    const sketch = new RowSketch(form)
    for (const { rows, atMs } of segments) sketch.add(rows, atMs.length)
    if (!sketch.value) return 0
    const { file, head } = encodeRecording(recording, sketch.value)
    if (file.length > this.#quotaBytes) {
      this.#log.warn({ sensor, bytes: file.length }, 'recording is larger than the sample store')
      return 0
    }
    await this.#makeRoom(file.length)
    const sequence = (this.#entries.at(-1)?.sequence ?? 0) + 1
    try {
      // Unsynced: the checksum finds what a power cut damages, and a round waits for no disk.
      await replaceFile(this.#pathOf(sequence), file)
    } catch (error) {
      this.#log.warn({ sensor, reason: messageOf(error) }, 'recording not stored')
      return 0
    }
    this.#add(sequence, file.length, head)
    return sequence
  }

  async #makeRoom(bytes: number): Promise<void> {
    while (this.bytes + bytes > this.#quotaBytes && this.#entries.length > 0) {
      const oldest = this.#entries.shift()
      if (oldest) await this.#remove(oldest)
    }
  }

  #add(sequence: number, bytes: number, head: RecordingHead): void {
    const { sensor, form, segments, labelledRows, sketch } = head
    const series = seriesOf(sensor, form)
    const rows = segments.reduce((sum, one) => sum + one.rows, 0)
    this.#entries.push({ sequence, bytes, sensor, series, rows, labelledRows })
    const running = this.#sketches.get(series) ?? new RunningSketch(sketch.kind)
    running.add(sketch, 1)
    this.#sketches.set(series, running)
  }

  async #remove({ sequence, series }: Entry): Promise<void> {
    const path = this.#pathOf(sequence)
    const file = await readFile(path).catch(() => null)
    const decoded = file && decodeRecording(file)
    if (decoded) this.#sketches.get(series)?.add(decoded.head.sketch, -1)
    await rm(path, { force: true })
  }

  /** What is no whole recording is taken away: it was never there. */
  async #recover(name: string): Promise<void> {
    const path = join(this.#folder, name)
    const sequence = Number(/^(\d{16})\.rows$/.exec(name)?.[1])
    const file = Number.isNaN(sequence) ? null : await readFile(path)
    const decoded = file && decodeRecording(file)
    if (file && decoded) {
      this.#add(sequence, file.length, decoded.head)
      return
    }
    if (file) this.#log.warn({ path }, 'damaged recording removed from the sample store')
    await rm(path, { force: true })
  }

  #pathOf(sequence: number): string {
    return join(this.#folder, `${String(sequence).padStart(16, '0')}.rows`)
  }

  /** One after the other: each makes room for itself. */
  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#work.then(work)
    this.#work = result.catch(() => {})
    return result
  }
}

export interface SampleStoreOptions {
  readonly folder: string
  readonly quotaBytes: number
  readonly log: Logger
}

function seriesOf(sensor: string, form: RowForm): string {
  return `${sensor} ${formText(form)}`
}

/** The sum of sketches that come and go. */
class RunningSketch {
  readonly #kind: DataSketch['kind']
  readonly #counts = new Float64Array(SKETCH_BINS)
  #rows = 0

  constructor(kind: DataSketch['kind']) {
    this.#kind = kind
  }

  add({ counts, sampleCount }: DataSketch, times: 1 | -1): void {
    this.#rows += times * sampleCount
    for (const [bin, count] of counts.entries()) {
      this.#counts[bin] = (this.#counts[bin] ?? 0) + times * count
    }
  }

  get value(): DataSketch | null {
    if (this.#rows === 0) return null
    return { kind: this.#kind, counts: Array.from(this.#counts), sampleCount: this.#rows }
  }
}
