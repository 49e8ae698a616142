import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { RowForm, rowBytesOf } from '../../protocol/row-form.ts'
import { DataSketch } from '../../protocol/urp.ts'
import type { Segment } from '../sensors/sensor.ts'

/** What was recorded in one communication round, as it lies on disk. */
export interface StoredRecording {
  readonly sensor: string
  readonly form: RowForm
  readonly segments: readonly Segment[]
}

/** What is said of a recording before its rows: enough to count it without reading them. */
const RecordingHead = z.strictObject({
  version: z.literal(1),
  sensor: z.string(),
  form: RowForm,
  segments: z.array(z.strictObject({ rows: z.int().min(1), labelled: z.boolean() })),
  labelledRows: z.int().min(0),
  sketch: DataSketch,
})
export type RecordingHead = z.infer<typeof RecordingHead>

// One file, integers little endian:
//
//   0       4              8                8+n
//   ├ crc32 ┼ head bytes n ┼ head as JSON … ┼ segment … ┤   a segment: times float64, classes int32
//                                                            where it has them, rows
//
// The checksum covers all that follows it: a file that a power cut has cut or emptied does not pass.
const CRC_BYTES = 4
const LENGTH_BYTES = 4

export function encodeRecording(
  recording: StoredRecording,
  sketch: DataSketch,
): { readonly file: Buffer; readonly head: RecordingHead } {
  const { sensor, form, segments } = recording
  const head: RecordingHead = {
    version: 1,
    sensor,
    form,
    segments: segments.map(({ atMs, labels }) => ({
      rows: atMs.length,
      labelled: labels !== null,
    })),
    labelledRows: segments.reduce((sum, { labels }) => sum + countLabelled(labels), 0),
    sketch,
  }
  const text = Buffer.from(JSON.stringify(head))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32LE(text.length)
  const parts = segments.flatMap(({ rows, atMs, labels }) => [
    bytesOf(atMs),
    ...(labels ? [bytesOf(labels)] : []),
    rows,
  ])
  const body = Buffer.concat([length, text, ...parts])
  const crc = Buffer.alloc(CRC_BYTES)
  crc.writeUInt32LE(crc32(body))
  return { file: Buffer.concat([crc, body]), head }
}

function countLabelled(labels: Int32Array | null): number {
  return labels?.reduce((sum, label) => sum + (label >= 0 ? 1 : 0), 0) ?? 0
}

function bytesOf(values: Float64Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

/** The recording and what is said of it; null where the file is not as it was written. */
export function decodeRecording(
  file: Buffer,
): { readonly head: RecordingHead; readonly recording: StoredRecording } | null {
  if (file.length < CRC_BYTES + LENGTH_BYTES) return null
  const body = file.subarray(CRC_BYTES)
  if (crc32(body) !== file.readUInt32LE(0)) return null
  const headEnd = LENGTH_BYTES + body.readUInt32LE(0)
  // What passes the checksum is what was written; a later version of the program may have written it.
  const head = RecordingHead.safeParse(JSON.parse(body.toString('utf8', LENGTH_BYTES, headEnd)))
  if (!head.success) return null
  const { sensor, form, segments } = head.data
  const reader = new SegmentReader(body.subarray(headEnd), rowBytesOf(form))
  return {
    head: head.data,
    recording: { sensor, form, segments: segments.map(one => reader.next(one)) },
  }
}

/** Segments one behind the other; copies, since numbers must begin at a multiple of their size. */
class SegmentReader {
  #rest: Uint8Array
  readonly #rowBytes: number

  constructor(bytes: Uint8Array, rowBytes: number) {
    this.#rest = bytes
    this.#rowBytes = rowBytes
  }

  next({ rows, labelled }: RecordingHead['segments'][number]): Segment {
    const atMs = new Float64Array(this.#take(rows * Float64Array.BYTES_PER_ELEMENT).buffer)
    const labels = labelled
      ? new Int32Array(this.#take(rows * Int32Array.BYTES_PER_ELEMENT).buffer)
      : null
    return { atMs, labels, rows: this.#take(rows * this.#rowBytes) }
  }

  #take(count: number): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(this.#rest.subarray(0, count))
    this.#rest = this.#rest.subarray(count)
    return taken
  }
}
