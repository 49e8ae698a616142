import type { DataSketch, SensingFigures } from '../../protocol/urp.ts'

/** What a sensor recorded in one interval: raw bytes, in the order in which they came. */
export interface Recording {
  readonly bytes: Uint8Array
  /** Bytes that the sensor delivered but nobody could take in time. */
  readonly droppedBytes: number
}

export interface RecordOptions {
  /** Ends the recording: the end of the last slot that was granted. */
  readonly untilMs: number
  readonly bytesMax: number
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
  /** Opens the source and measures it shortly. SENSOR_UNAVAILABLE says what is wrong with it. */
  open(): Promise<void>
  record(options: RecordOptions): Promise<Recording>
  /** What it delivered lately, or null while it is lost. */
  figures(): SensingFigures | null
  /** What the local data look like, or null while nothing is known. */
  sketch(): DataSketch | null
  close(): Promise<void>
}
