import type { StoredRecording } from '../../../../agent/samples/recording-file.ts'
import type { Segment } from '../../../../agent/sensors/sensor.ts'

/** Rows of one byte each, a millisecond apart. */
export function segmentOf(
  bytes: readonly number[],
  o: { readonly labels?: readonly number[]; readonly fromMs?: number } = {},
): Segment {
  const { labels, fromMs = 0 } = o
  return {
    rows: Uint8Array.from(bytes),
    atMs: Float64Array.from(bytes, (_, row) => fromMs + row),
    labels: labels ? Int32Array.from(labels) : null,
  }
}

export function recordingOf(sensor: string, ...segments: readonly Segment[]): StoredRecording {
  return { sensor, form: { element: 'uint8', shape: [] }, segments }
}
