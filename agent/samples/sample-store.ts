import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isSameForm, type RowForm } from '../../protocol/row-form.ts'
import type { DataSketch } from '../../protocol/urp.ts'
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

interface Entry {
  /** Counts every recording ever stored. */
  readonly sequence: number
  readonly bytes: number
  readonly head: RecordingHead
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
    return this.#of(sensor, form)
      .map(entry => entry.sequence)
      .filter(other => other < sequence)
      .reverse()
  }

  counts(sensor: string): StoredCounts {
    const entries = this.#entries.filter(({ head }) => head.sensor === sensor)
    const sum = (of: (entry: Entry) => number) => entries.reduce((all, one) => all + of(one), 0)
    return {
      recordings: entries.length,
      rows: sum(({ head }) => rowsOf(head)),
      labelledRows: sum(({ head }) => head.labelledRows),
      bytes: sum(({ bytes }) => bytes),
    }
  }

  /** What the stored rows of a sensor look like: with each recording in and out, and never anew. */
  sketch(sensor: string, form: RowForm): DataSketch | null {
    const [first, ...others] = this.#of(sensor, form).map(({ head }) => head.sketch)
    if (!first) return null
    const counts = [...first.counts]
    let { sampleCount } = first
    for (const other of others) {
      sampleCount += other.sampleCount
      for (const [bin, count] of other.counts.entries()) counts[bin] = (counts[bin] ?? 0) + count
    }
    return { kind: first.kind, counts, sampleCount }
  }

  get bytes(): number {
    return this.#entries.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  #of(sensor: string, form: RowForm): readonly Entry[] {
    return this.#entries.filter(({ head }) => head.sensor === sensor && isSameForm(head.form, form))
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
    this.#entries.push({ sequence, bytes: file.length, head })
    return sequence
  }

  async #makeRoom(bytes: number): Promise<void> {
    while (this.bytes + bytes > this.#quotaBytes && this.#entries.length > 0) {
      const oldest = this.#entries.shift()
      if (oldest) await rm(this.#pathOf(oldest.sequence), { force: true })
    }
  }

  /** What is no whole recording is taken away: it was never there. */
  async #recover(name: string): Promise<void> {
    const path = join(this.#folder, name)
    const sequence = Number(/^(\d{16})\.rows$/.exec(name)?.[1])
    const file = Number.isNaN(sequence) ? null : await readFile(path)
    const decoded = file && decodeRecording(file)
    if (file && decoded) {
      this.#entries.push({ sequence, bytes: file.length, head: decoded.head })
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

function rowsOf({ segments }: RecordingHead): number {
  return segments.reduce((sum, { rows }) => sum + rows, 0)
}
