import type { RowForm } from '../../protocol/row-form.ts'
import type { DataSketch, SensingFigures } from '../../protocol/urp.ts'
import type { Figure } from '../measure/probe.ts'

/** Rows with no gap between them: a window of a model lies within one segment. */
export interface Segment {
  /** Little endian, row after row, whole rows only. */
  readonly rows: Uint8Array
  /** When each row came, in ms on the agent's clock. */
  readonly atMs: Float64Array
  /** Class of each row, -1 where it is not known; null where the sensor tells none. */
  readonly labels: Int32Array | null
}

/** What a sensor recorded in one interval, in the order in which it came. */
export interface Recording {
  readonly segments: readonly Segment[]
  /** Rows that came but could not be taken, or were lost on the way. */
  readonly droppedRows: number
}

export interface RecordOptions {
  /** Ends the recording: the end of the last slot that was granted. */
  readonly untilMs: number
  readonly rowsMax: number
  /** Rows a second that were allocated; all that come when absent. */
  readonly rowsPerSecond?: number
  /** Resource blocks that were allocated, for radios. */
  readonly blocks?: readonly number[]
  readonly signal: AbortSignal
}

/** A source of local training data. Drivers are listed in registry.ts, one file a kind. */
export interface Sensor {
  readonly id: string
  readonly kind: string
  /** What it senses, in words, for the birth message. */
  readonly senses: string
  /** 'lost' while the source is gone; sensor-watch.ts looks for it again. */
  readonly status: 'ok' | 'lost'
  /** Why, while it is lost. */
  readonly reason?: string | undefined
  /** What one row is; the same for the whole life of the sensor. */
  readonly form: RowForm
  /** Opens the source and measures it shortly. SENSOR_UNAVAILABLE says what is wrong with it. */
  open(): Promise<void>
  record(options: RecordOptions): Promise<Recording>
  /** What it delivered lately, or null while it is lost. */
  figures(): SensingFigures | null
  /** What the local data look like, or null while nothing is known. See row-sketch.ts. */
  sketch(): DataSketch | null
  /** What only this kind of sensor can tell: for people, below what all tell. */
  extraFigures?(): readonly Figure[]
  close(): Promise<void>
}

/** Rows of a recording. */
export function rowCount({ segments }: Pick<Recording, 'segments'>): number {
  return segments.reduce((sum, { atMs }) => sum + atMs.length, 0)
}
