import { rowElements } from '../../protocol/row-form.ts'
import type { Segment, Sensor } from '../sensors/sensor.ts'

/** What a sensor says at some times, oldest first. */
export interface ToldClasses {
  readonly atMs: Float64Array
  readonly labels: Int32Array
}

/**
 * The classes that a sensor tells: those of its rows, or, where a column is named, the whole number
 * that stands there, as presence radars and contacts give it.
 */
export function classesTold(
  segments: readonly Segment[],
  { form }: Pick<Sensor, 'form'>,
  column: number | undefined,
): ToldClasses {
  const width = rowElements(form)
  const labels = segments.flatMap(({ rows, atMs, labels }) => {
    if (column === undefined) return labels ? [...labels] : [...atMs].map(() => -1)
    const values = form.element === 'uint8' ? rows : new Float32Array(new Uint8Array(rows).buffer)
    return [...atMs.keys()].map(row => Math.round(values[row * width + column] ?? -1))
  })
  return {
    atMs: Float64Array.from(segments.flatMap(({ atMs }) => [...atMs])),
    labels: Int32Array.from(labels),
  }
}

/** For each time the last class that was told by then, unless that is too long ago; else -1. */
export function lastTold(
  atMs: Float64Array,
  told: ToldClasses,
  { ageMsMax }: { readonly ageMsMax: number },
): Int32Array {
  const labels = new Int32Array(atMs.length).fill(-1)
  let next = 0
  for (const [row, time] of atMs.entries()) {
    while (next < told.atMs.length && (told.atMs[next] ?? 0) <= time) next += 1
    const last = next - 1
    if (last >= 0 && time - (told.atMs[last] ?? 0) <= ageMsMax)
      labels[row] = told.labels[last] ?? -1
  }
  return labels
}
