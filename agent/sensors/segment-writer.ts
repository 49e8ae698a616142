import { deferred } from '../../runtime/deferred.ts'
import type { Recording, RecordOptions, Segment } from './sensor.ts'

/** Rows for which room is made at first; it doubles as they come. */
const ROWS_FIRST = 64

/** Collects the rows of one recording: at most so many, at the rate that was allocated, cut at gaps. */
export class SegmentWriter {
  readonly #rowBytes: number
  readonly #rowsMax: number
  readonly #periodMs: number
  readonly #fromMs: number
  readonly #untilMs: number
  readonly #full = deferred<void>()
  readonly #segments: Segment[] = []
  #rows: Uint8Array
  #times: number[] = []
  #taken = 0
  #dropped = 0
  #dueMs = Number.NEGATIVE_INFINITY

  constructor(
    options: Pick<RecordOptions, 'rowsMax' | 'rowsPerSecond' | 'untilMs'> & {
      readonly rowBytes: number
      readonly fromMs: number
    },
  ) {
    this.#rowBytes = options.rowBytes
    this.#rowsMax = options.rowsMax
    this.#fromMs = options.fromMs
    this.#untilMs = options.untilMs
    this.#periodMs = options.rowsPerSecond === undefined ? 0 : 1000 / options.rowsPerSecond
    this.#rows = new Uint8Array(Math.min(ROWS_FIRST, this.#rowsMax) * this.#rowBytes)
    if (this.#rowsMax <= 0) this.#full.resolve()
  }

  /** Resolves when no more rows are taken. */
  get full(): Promise<void> {
    return this.#full.promise
  }

  push(row: Uint8Array, atMs: number): void {
    if (atMs < this.#fromMs || atMs > this.#untilMs) return
    if (this.#taken >= this.#rowsMax || !this.#isDue(atMs)) return
    const at = this.#times.length * this.#rowBytes
    if (at + this.#rowBytes > this.#rows.length) this.#grow()
    this.#rows.set(row, at)
    this.#times.push(atMs)
    this.#taken += 1
    if (this.#taken >= this.#rowsMax) this.#full.resolve()
  }

  gap(lostRows: number): void {
    this.#dropped += lostRows
    this.#endSegment()
  }

  recording(): Recording {
    this.#endSegment()
    return { segments: this.#segments, droppedRows: Math.round(this.#dropped) }
  }

  /** Of rows that come faster than was allocated, those nearest after each due time. */
  #isDue(atMs: number): boolean {
    // A clock of the source trembles: a tenth of the period early is in time.
    if (atMs < this.#dueMs - this.#periodMs / 10) return false
    const isLate = atMs - this.#dueMs > this.#periodMs
    this.#dueMs = (isLate ? atMs : this.#dueMs) + this.#periodMs
    return true
  }

  #grow(): void {
    const rows = new Uint8Array(Math.max(ROWS_FIRST * this.#rowBytes, 2 * this.#rows.length))
    rows.set(this.#rows)
    this.#rows = rows
  }

  #endSegment(): void {
    if (this.#times.length === 0) return
    const rows = this.#rows.slice(0, this.#times.length * this.#rowBytes)
    this.#segments.push({ rows, atMs: Float64Array.from(this.#times), labels: null })
    this.#times = []
  }
}
