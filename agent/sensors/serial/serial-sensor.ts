import type { Asks, Row, SerialDriver } from '../../../firmware-bridge/drivers/serial-driver.ts'
import { findPort } from '../../../firmware-bridge/serial/serial-ports.ts'
import type { RowForm } from '../../../protocol/row-form.ts'
import type { DataSketch, SensingFigures } from '../../../protocol/urp.ts'
import type { Clock } from '../../../runtime/clock.ts'
import { GainnetError } from '../../../runtime/errors.ts'
import { RowStream } from '../row-stream.ts'
import type { Recording, RecordOptions, Sensor } from '../sensor.ts'
import { SerialConnection } from './serial-connection.ts'

export interface SerialSensorOptions {
  readonly id: string
  /** Name of the driver: what models call this kind of sensor. */
  readonly kind: string
  /** A path, best one of /dev/serial/by-id, or vid:pid:serial. */
  readonly port: string
  readonly baudRate?: number | undefined
  /** Values of a row. */
  readonly values?: number | undefined
  /** Said to it instead of what its driver asks. */
  readonly command?: string | undefined
  readonly driver: SerialDriver
  /** That of the driver, or one that also tells somebody what it reads. */
  readonly reader: SerialDriver['reader']
  readonly clock: Clock
  readonly onChange: () => void
}

/** What talks on a serial line as rows; every kind of it is a driver of firmware-bridge/drivers. */
export class SerialSensor implements Sensor {
  readonly id: string
  readonly kind: string
  readonly senses: string
  readonly form: RowForm
  readonly #options: SerialSensorOptions
  readonly #stream: RowStream
  readonly #rowValues: number
  #connection: SerialConnection | null = null
  #opening: Promise<void> | null = null
  #reason: string | undefined = 'it was not opened yet'
  readonly #closing = new AbortController()

  constructor(options: SerialSensorOptions) {
    const { driver, clock } = options
    this.#options = options
    this.id = options.id
    this.kind = options.kind
    this.senses = driver.senses
    this.#rowValues = (driver.isFixed ? undefined : options.values) ?? driver.rowValues
    this.form = { element: 'float32', shape: [this.#rowValues] }
    this.#stream = new RowStream({ form: this.form, clock })
  }

  get status(): 'ok' | 'lost' {
    return this.#connection ? 'ok' : 'lost'
  }

  get reason(): string | undefined {
    return this.#connection ? undefined : this.#reason
  }

  /** Who calls while it is being opened waits for the same attempt. */
  open(): Promise<void> {
    if (this.#connection) return Promise.resolve()
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null
    })
    return this.#opening
  }

  async record(options: RecordOptions): Promise<Recording> {
    if (this.#opening) await this.#opening
    if (!this.#connection) {
      throw new GainnetError('SENSOR_UNAVAILABLE', `${this.id} is lost: ${this.#reason}`)
    }
    return this.#stream.record(options)
  }

  figures(): SensingFigures | null {
    return this.#connection ? this.#stream.figures({ sensor: this.id, kind: this.kind }) : null
  }

  sketch(): DataSketch | null {
    return this.#stream.sketch()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    const connection = this.#connection
    this.#connection = null
    await this.#opening?.catch(() => undefined)
    await connection?.close()
  }

  async #open(): Promise<void> {
    const { driver, reader, port, clock, onChange } = this.#options
    this.#stream.restart()
    const connection = await SerialConnection.open({
      line: {
        path: await findPort(port),
        baudRate: this.#options.baudRate ?? driver.baudRate,
      },
      reader: reader(this.#rowValues),
      silenceMsMax: driver.silenceMsMax,
      asks: this.#asks(),
      clock,
      signal: this.#closing.signal,
      onRow: row => this.#stream.push(bytesOf(row), clock.now()),
      onGap: messages => this.#stream.gap(messages),
      onLost: reason => {
        this.#connection = null
        this.#reason = reason
        this.#stream.gap(0)
        onChange()
      },
    })
    if (this.#closing.signal.aborted) await connection.close()
    else this.#connection = connection
  }

  #asks(): Asks | undefined {
    const { driver, command } = this.#options
    const asks = driver.asks?.(this.#rowValues)
    return asks && command !== undefined ? { ...asks, lines: [`${command}\r`] } : asks
  }
}

/** Rows are little endian, as every board is that Node runs on (see radio/sample-formats.ts). */
function bytesOf(row: Row): Uint8Array {
  return new Uint8Array(row.buffer, row.byteOffset, row.byteLength)
}
