import { FirmwareLink, type LinkStatus } from '../../../firmware-bridge/link/firmware-link.ts'
import type { EventValues } from '../../../firmware-bridge/protocol/messages.ts'
import { findPort } from '../../../firmware-bridge/serial/serial-ports.ts'
import { type RowForm, rowBytesOf } from '../../../protocol/row-form.ts'
import type { DataSketch, SensingFigures } from '../../../protocol/urp.ts'
import type { Clock } from '../../../runtime/clock.ts'
import { GainnetError, messageOf } from '../../../runtime/errors.ts'
import type { Logger } from '../../../runtime/logger.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { RowStream } from '../row-stream.ts'
import type { Recording, RecordOptions, Sensor } from '../sensor.ts'
import { SampleRows } from './sample-rows.ts'

/** Frames a second: samples wait no longer than that for others. */
const FRAMES_PER_SECOND = 20
const SAMPLES_PER_FRAME_MAX = 120
/** What a line may hold of the samples of the last slot, and the time of its clock be off. */
const LATENCY_MS = 300
/** A row comes so fast at the least when a board that was just found is tried. */
const TRIAL_MS = 250

export interface FirmwareSensorOptions {
  readonly id: string
  /** A path, best one of /dev/serial/by-id, or vid:pid:serial. */
  readonly port: string
  readonly baudRate: number
  /** Of the microcontroller; the first one that answers where it is not told. */
  readonly uniqueId?: string | undefined
  readonly channel: number
  readonly rateHz: number
  /** Samples of a row. */
  readonly values: number
  readonly seed: number
  readonly clock: Clock
  readonly log: Logger
  readonly onChange: () => void
}

/**
 * A board that runs our firmware. It samples only while somebody records, at the rate that was
 * allocated, and stops by itself at the end of the slots even if nobody is there to tell it.
 */
export class FirmwareSensor implements Sensor {
  readonly kind = 'firmware'
  readonly senses = 'samples of a microcontroller'
  readonly id: string
  readonly form: RowForm
  readonly #options: FirmwareSensorOptions
  readonly #link: FirmwareLink
  readonly #stream: RowStream
  readonly #rows: SampleRows
  #linkStart: Promise<void> | null = null
  #following: Promise<void> = Promise.resolve()
  /** Samples a second that the board was found fit for, null while it is not. */
  #rateHz: number | null = null
  #reason: string | undefined = 'it was not opened yet'
  #recording: { readonly rateHz: number; readonly untilMs: number } | null = null

  constructor(options: FirmwareSensorOptions) {
    const { clock, values, baudRate, uniqueId, log, seed, port } = options
    this.#options = options
    this.id = options.id
    this.form = { element: 'float32', shape: [values] }
    this.#stream = new RowStream({ form: this.form, clock })
    this.#rows = new SampleRows(values)
    this.#link = new FirmwareLink({
      findPath: () => findPort(port),
      baudRate,
      ...(uniqueId === undefined ? {} : { uniqueId }),
      clock,
      random: seededRandom(seed),
      log,
      onSamples: samples => this.#take(samples),
      onStatus: status => {
        this.#following = this.#follow(status)
      },
    })
  }

  get status(): 'ok' | 'lost' {
    return this.#rateHz === null ? 'lost' : 'ok'
  }

  get reason(): string | undefined {
    return this.#rateHz === null ? this.#reason : undefined
  }

  /** The link looks for its board by itself from then on. */
  async open(): Promise<void> {
    this.#linkStart ??= this.#link.start()
    await this.#linkStart
    await this.#following
    const { status } = this.#link
    if (status.state === 'lost') this.#reason = status.reason
    else if (this.#rateHz === null) await this.#examine(status)
    if (this.#rateHz === null) {
      throw new GainnetError('SENSOR_UNAVAILABLE', this.#reason ?? 'it is lost')
    }
  }

  async record(options: RecordOptions): Promise<Recording> {
    if (this.#rateHz === null) {
      throw new GainnetError('SENSOR_UNAVAILABLE', `${this.id} is lost: ${this.#reason}`)
    }
    const { values, clock } = this.#options
    const { rowsPerSecond = Number.POSITIVE_INFINITY, untilMs } = options
    this.#recording = { rateHz: Math.min(this.#rateHz, rowsPerSecond * values), untilMs }
    await this.#sample()
    try {
      // The board keeps the rate: no row of it is left out here.
      const { rowsPerSecond: _, ...all } = options
      return await this.#stream.record(all, { latencyMs: LATENCY_MS })
    } finally {
      this.#recording = null
      const isEarly = clock.now() < untilMs
      if (isEarly) await this.#link.request('stop', {}).catch(error => this.#note(error))
    }
  }

  figures(): SensingFigures | null {
    if (this.#rateHz === null) return null
    const { sensor, dropShare, ...figures } = this.#stream.figures({
      sensor: this.id,
      kind: this.kind,
    })
    // It rests while nobody records: what it was found fit for.
    const rowsPerSecond = this.#rateHz / this.#options.values
    const bytesPerSecond = rowsPerSecond * rowBytesOf(this.form)
    return { ...figures, sensor, rowsPerSecond, bytesPerSecond, dropShare }
  }

  sketch(): DataSketch | null {
    return this.#stream.sketch()
  }

  async close(): Promise<void> {
    this.#rateHz = null
    this.#reason = 'it is closed'
    await this.#link.stop()
  }

  async #follow(status: LinkStatus): Promise<void> {
    const before = this.status
    if (status.state === 'ready') await this.#examine(status)
    else {
      this.#rateHz = null
      this.#reason = status.reason
      this.#stream.gap(0)
    }
    if (this.status !== before) this.#options.onChange()
    // A board that was plugged in again has forgotten what it was told.
    if (this.#rateHz !== null && this.#recording) {
      await this.#sample().catch(error => this.#note(error))
    }
  }

  /** Whether the board is well and has what is asked of it. */
  async #examine({ board }: Extract<LinkStatus, { state: 'ready' }>): Promise<void> {
    const { channel, rateHz } = this.#options
    try {
      if (channel >= board.channels) {
        throw new GainnetError(
          'SENSOR_UNAVAILABLE',
          `the board has ${board.channels} channels, and none of number ${channel}`,
        )
      }
      const { failed } = await this.#link.request('selfTest', {})
      if (failed !== 0) {
        throw new GainnetError('SENSOR_UNAVAILABLE', `its self-test fails: parts ${failed}`)
      }
      const rateHzMax = board.rateMilliHzMax / 1000
      if (!this.#stream.sketch()) await this.#try(rateHzMax)
      this.#rateHz = Math.min(rateHz, rateHzMax)
    } catch (error) {
      this.#reason = messageOf(error)
    }
  }

  /** One row, so that it is known what its samples look like. */
  async #try(rateHzMax: number): Promise<void> {
    const { values, rateHz, clock } = this.#options
    const trialHz = Math.min(rateHzMax, Math.max(rateHz, (values * 1000) / TRIAL_MS))
    const untilMs = clock.now() + Math.max(2 * TRIAL_MS, (2000 * values) / trialHz)
    this.#recording = { rateHz: trialHz, untilMs }
    await this.#sample()
    const { signal } = new AbortController()
    await this.#stream.record({ untilMs, rowsMax: 1, signal }, { latencyMs: LATENCY_MS })
    this.#recording = null
    if (!this.#stream.sketch()) {
      throw new GainnetError('SENSOR_UNAVAILABLE', 'it was told to sample, and no samples came')
    }
  }

  /** Tells the board to sample from now to the end of the slots. */
  async #sample(): Promise<void> {
    const { channel, clock } = this.#options
    if (!this.#recording) return
    const { rateHz, untilMs } = this.#recording
    const samplesPerFrame = Math.ceil(rateHz / FRAMES_PER_SECOND)
    await this.#link.request('configure', {
      channel,
      rateMilliHz: Math.max(1, Math.floor(rateHz * 1000)),
      samplesPerFrame: Math.min(SAMPLES_PER_FRAME_MAX, samplesPerFrame),
    })
    const slotMicros = Math.min(2 ** 32 - 1, Math.round((untilMs - clock.now()) * 1000))
    if (slotMicros <= 0) return
    this.#rows.restart()
    this.#stream.gap(0)
    await this.#link.request('start', {
      startMicros: 0,
      slotMicros,
      slotCount: 1,
      slots: Uint8Array.of(1),
    })
  }

  #take(samples: EventValues<'samples'>): void {
    if (!this.#recording || samples.channel !== this.#options.channel) return
    const { rows, lostRows } = this.#rows.push(samples)
    if (lostRows > 0) this.#stream.gap(lostRows)
    for (const { values, micros } of rows) {
      const hostMicros = this.#link.hostMicros(micros)
      const atMs = hostMicros === null ? this.#options.clock.now() : hostMicros / 1000
      this.#stream.push(new Uint8Array(values.buffer), atMs)
    }
  }

  #note(error: unknown): void {
    this.#options.log.debug({ reason: messageOf(error) }, 'the board was not told')
  }
}
