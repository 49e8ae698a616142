import type { Asks, Row, RowReader } from '../../../firmware-bridge/drivers/serial-driver.ts'
import { SerialLine, type SerialLineOptions } from '../../../firmware-bridge/serial/serial-line.ts'
import type { Clock, Timer } from '../../../runtime/clock.ts'
import { deferred } from '../../../runtime/deferred.ts'
import { GainnetError } from '../../../runtime/errors.ts'

/** Five times what a line of 921,600 baud carries: a sensor that says more is not listened to. */
const BYTES_PER_SECOND_MAX = 2 ** 19
const LOOK_MS = 250
/** A sensor that does not answer is asked again after so many times its usual pause. */
const UNANSWERED_PAUSES = 4

export interface SerialConnectionOptions {
  readonly line: SerialLineOptions
  readonly reader: RowReader
  readonly silenceMsMax: number
  readonly asks: Asks | undefined
  readonly clock: Clock
  /** Ends an opening that waits for its first row. */
  readonly signal: AbortSignal
  readonly onRow: (row: Row) => void
  /** So many messages were lost before the next row. */
  readonly onGap: (messages: number) => void
  /** Once, when it is over and nobody has closed it. */
  readonly onLost: (reason: string) => void
}

/** One life of a serial line whose sensor talks, from its first row to its silence. */
export class SerialConnection {
  readonly #options: SerialConnectionOptions
  readonly #firstRow = deferred<void>()
  #line: SerialLine | null = null
  #timers: Timer[] = []
  #lastByteMs: number
  #dropped = 0
  #lastRowMs: number
  #second = { startMs: 0, bytes: 0 }
  #wasSilent = false
  #isOver = false
  #hasRow = false
  #asked = { count: 0, atMs: Number.NEGATIVE_INFINITY, isAnswered: false }

  /** Resolves when its first row has come. SENSOR_UNAVAILABLE says why none does. */
  static async open(options: SerialConnectionOptions): Promise<SerialConnection> {
    const connection = new SerialConnection(options)
    try {
      await connection.#start()
    } catch (error) {
      await connection.close()
      throw error
    }
    return connection
  }

  private constructor(options: SerialConnectionOptions) {
    this.#options = options
    this.#lastByteMs = this.#lastRowMs = options.clock.now()
  }

  /** `onLost` is not called any more. */
  async close(): Promise<void> {
    this.#isOver = true
    for (const timer of this.#timers) timer.cancel()
    await this.#line?.close()
  }

  async #start(): Promise<void> {
    const { line, clock, asks, signal } = this.#options
    this.#line = await SerialLine.open(line, {
      bytes: bytes => this.#take(bytes),
      end: reason => this.#lose(reason),
    })
    this.#lastByteMs = this.#lastRowMs = clock.now()
    this.#repeat(LOOK_MS, () => this.#look())
    if (asks) {
      this.#ask(asks)
      this.#repeat(asks.everyMs, () => this.#ask(asks))
    }
    const onAbort = (): void => this.#lose('it is closed')
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    await this.#firstRow.promise.finally(() => signal.removeEventListener('abort', onAbort))
  }

  #take(bytes: Uint8Array): void {
    if (this.#isOver) return
    const { reader, onRow, onGap, clock } = this.#options
    const now = clock.now()
    if (now - this.#second.startMs >= 1000) this.#second = { startMs: now, bytes: 0 }
    this.#second.bytes += bytes.length
    this.#lastByteMs = now
    if (this.#second.bytes > BYTES_PER_SECOND_MAX) {
      // What was lost is not known; that rows are missing is.
      if (this.#hasRow) onGap(1)
      return
    }
    const rows = reader.push(bytes)
    const dropped = Object.values(reader.tally.dropped).reduce((sum, count) => sum + count, 0)
    // Whoever opens a line hears the rest of a message first.
    if (dropped > this.#dropped && this.#hasRow) onGap(dropped - this.#dropped)
    this.#dropped = dropped
    if (rows.length === 0) return
    this.#lastRowMs = now
    this.#hasRow = true
    this.#asked.isAnswered = true
    for (const row of rows) onRow(row)
    this.#firstRow.resolve()
  }

  #look(): void {
    const { clock, silenceMsMax } = this.#options
    const isSilent = clock.now() - this.#lastRowMs > silenceMsMax
    // A look that was late itself comes before the bytes that wait: they get their turn first.
    if (isSilent && this.#wasSilent) this.#lose(this.#silence())
    this.#wasSilent = isSilent
  }

  #silence(): string {
    const { silenceMsMax, line, clock } = this.#options
    return clock.now() - this.#lastByteMs > silenceMsMax
      ? `it said nothing for ${silenceMsMax} ms although its port is open`
      : `nothing that it said for ${silenceMsMax} ms makes a reading: is this its driver, and ${line.baudRate} its baud rate?`
  }

  #ask({ lines, everyMs }: Asks): void {
    const now = this.#options.clock.now()
    const { count, atMs, isAnswered } = this.#asked
    if (!isAnswered && now - atMs < UNANSWERED_PAUSES * everyMs) return
    this.#line?.write(Buffer.from(lines[count % lines.length] ?? ''))
    this.#asked = { count: count + 1, atMs: now, isAnswered: false }
  }

  #repeat(everyMs: number, work: () => void): void {
    const index = this.#timers.length
    const { clock } = this.#options
    const again = (): void => {
      this.#timers[index] = clock.at(clock.now() + everyMs, () => {
        work()
        if (!this.#isOver) again()
      })
    }
    again()
  }

  #lose(reason: string): void {
    if (this.#isOver) return
    void this.close()
    if (this.#hasRow) this.#options.onLost(reason)
    this.#firstRow.reject(new GainnetError('SENSOR_UNAVAILABLE', reason))
  }
}
