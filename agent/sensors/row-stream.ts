import { type RowForm, rowBytesOf } from '../../protocol/row-form.ts'
import type { DataSketch, SensingFigures } from '../../protocol/urp.ts'
import { type Clock, until } from '../../runtime/clock.ts'
import { RowRate } from './row-rate.ts'
import { RowSketch } from './row-sketch.ts'
import { SegmentWriter } from './segment-writer.ts'
import type { Recording, RecordOptions } from './sensor.ts'

/**
 * Rows that come by themselves, whether somebody records them or not: it tells how fast they come and
 * what they look like, and hands to each recording the rows of its time.
 */
export class RowStream {
  readonly #form: RowForm
  readonly #clock: Clock
  readonly #sketch: RowSketch
  readonly #recordings = new Set<SegmentWriter>()
  #rate: RowRate
  #lost: RowRate

  constructor({ form, clock }: { readonly form: RowForm; readonly clock: Clock }) {
    this.#form = form
    this.#clock = clock
    this.#sketch = new RowSketch(form)
    this.#rate = new RowRate(clock.now())
    this.#lost = new RowRate(clock.now())
  }

  /** The source was opened anew: its rate is no longer that of before. */
  restart(): void {
    this.gap(0)
    this.#rate = new RowRate(this.#clock.now())
    this.#lost = new RowRate(this.#clock.now())
  }

  /** One row, little endian; it is copied. */
  push(row: Uint8Array, atMs: number): void {
    this.#rate.note(this.#clock.now(), 1)
    this.#sketch.add(row, 1)
    for (const recording of this.#recordings) recording.push(row, atMs)
  }

  /** What comes next does not follow what came before; so many rows are missing between. */
  gap(lostRows: number): void {
    this.#lost.note(this.#clock.now(), lostRows)
    for (const recording of this.#recordings) recording.gap(lostRows)
  }

  /**
   * The rows of the time from now on; resolves when it is over, or when there are enough. A source
   * whose rows come late is waited for, and what is of before is left out.
   */
  async record(
    options: RecordOptions,
    { latencyMs = 0 }: { readonly latencyMs?: number } = {},
  ): Promise<Recording> {
    const { untilMs, signal } = options
    const writer = new SegmentWriter({
      ...options,
      rowBytes: rowBytesOf(this.#form),
      fromMs: latencyMs > 0 ? this.#clock.now() : Number.NEGATIVE_INFINITY,
    })
    const enough = new AbortController()
    const giveUp = (): void => enough.abort()
    signal.addEventListener('abort', giveUp)
    if (signal.aborted) giveUp()
    // Else the timer of a recording that is full would live until its end.
    void writer.full.then(giveUp)
    this.#recordings.add(writer)
    await until(this.#clock, untilMs + latencyMs, enough.signal).catch(() => undefined)
    signal.removeEventListener('abort', giveUp)
    this.#recordings.delete(writer)
    return writer.recording()
  }

  /** What came lately. */
  figures(of: {
    readonly sensor: string
    readonly kind: string
    readonly resourceBlocks?: number
  }): SensingFigures {
    const now = this.#clock.now()
    const rowsPerSecond = this.#rate.perSecond(now)
    const lost = this.#lost.perSecond(now)
    return {
      sensor: of.sensor,
      kind: of.kind,
      form: this.#form,
      rowsPerSecond,
      bytesPerSecond: rowsPerSecond * rowBytesOf(this.#form),
      dropShare: lost > 0 ? lost / (lost + rowsPerSecond) : 0,
      resourceBlocks: of.resourceBlocks ?? 0,
      labelled: false,
    }
  }

  sketch(): DataSketch | null {
    return this.#sketch.value
  }
}
