import { type RowForm, rowBytesOf } from '../../protocol/row-form.ts'
import type { DataSketch, SensingFigures } from '../../protocol/urp.ts'
import { type Clock, until } from '../../runtime/clock.ts'
import { GainnetError } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { CameraAsked } from '../camera/camera-asked.ts'
import { type CameraFault, type FaultKind, faultText } from '../camera/camera-fault.ts'
import { type CameraFigures, cameraFigureLines } from '../camera/camera-figures.ts'
import { CameraStream } from '../camera/camera-stream.ts'
import { rowFormOf } from '../camera/image-row.ts'
import { plainFault } from '../camera/source-check.ts'
import type { Figure } from '../measure/probe.ts'
import { RowStream } from './row-stream.ts'
import type { Recording, RecordOptions, Sensor } from './sensor.ts'

/** After the first picture, so that the first rate is not that of a moment. */
const TRIAL_MS = 500
/** Pictures this far apart do not follow each other: so many periods, and a second at least. */
const GAP_PERIODS = 5
const GAP_MS_MIN = 1000
/**
 * Starting the programs of a camera costs a board a good part of a second. So what nobody mends
 * within a moment, a password or a ribbon cable, is not tried every two seconds.
 */
const HOLD_OFF_MS = 30_000
const HELD_OFF: ReadonlySet<FaultKind> = new Set(['refused', 'not-a-camera', 'unsupported'])

export interface CameraSensorOptions extends CameraAsked {
  readonly id: string
  readonly clock: Clock
  readonly log: Logger
  /** The camera was lost by itself. */
  readonly onChange: () => void
  /** CPU time that its programs took since the last call. */
  readonly onChildCpu?: ((seconds: number) => void) | undefined
}

/**
 * A camera: each picture is a row. It runs for as long as the sensor is open, whether somebody
 * records or not: docs/decisions/006-cameras-stay-on.md.
 */
export class CameraSensor implements Sensor {
  readonly kind = 'camera'
  readonly id: string
  readonly senses: string
  readonly form: RowForm
  readonly #options: CameraSensorOptions
  readonly #rows: RowStream
  readonly #closing = new AbortController()
  /** The last one that was started, ended or not. */
  #stream: CameraStream | undefined
  #status: 'ok' | 'lost' = 'lost'
  #fault: CameraFault | undefined
  #faultAtMs = 0
  #opening: Promise<void> | undefined
  /** When the last picture came; null where the next one is the first of a stream. */
  #lastAtMs: number | null = null
  #recordings = 0
  #counts = { delivered: 0, untaken: 0, lost: 0, starts: 0 }
  #cpuSecondsBefore = 0
  #cpuSecondsTold = 0

  constructor(options: CameraSensorOptions) {
    const { id, image, clock } = options
    this.id = id
    this.#options = options
    this.form = rowFormOf(image)
    this.senses = `pictures, ${image.width} x ${image.height}, ${image.colour}`
    this.#rows = new RowStream({ form: this.form, clock })
  }

  get status(): 'ok' | 'lost' {
    return this.#status
  }

  get reason(): string | undefined {
    return this.#fault && faultText(this.#fault)
  }

  /** Who calls while it is being opened waits for the same attempt. */
  open(): Promise<void> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async record(options: RecordOptions): Promise<Recording> {
    this.#recordings += 1
    try {
      return await this.#rows.record(options)
    } finally {
      this.#recordings -= 1
    }
  }

  figures(): SensingFigures | null {
    this.#tellCpu()
    if (this.#status === 'lost') return null
    const figures = this.#rows.figures({ sensor: this.id, kind: this.kind })
    // The first pictures of a stream may come all at once.
    const rowsPerSecond = Math.min(figures.rowsPerSecond, this.#options.imagesPerSecond)
    return { ...figures, rowsPerSecond, bytesPerSecond: rowsPerSecond * rowBytesOf(this.form) }
  }

  cameraFigures(): CameraFigures {
    return {
      askedPerSecond: this.#options.imagesPerSecond,
      deliveredPerSecond: this.figures()?.rowsPerSecond ?? 0,
      given: this.#stream?.given,
      ...this.#counts,
      cpuSeconds: this.#cpuSeconds,
    }
  }

  extraFigures(): readonly Figure[] {
    return cameraFigureLines(this.cameraFigures())
  }

  sketch(): DataSketch | null {
    return this.#rows.sketch()
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the sensor is closed'))
    await this.#opening?.catch(() => undefined)
    this.#status = 'lost'
    await this.#stream?.stop()
    this.#tellCpu()
  }

  async #open(): Promise<void> {
    if (this.#status === 'ok') return
    const { source, clock } = this.#options
    this.#closing.signal.throwIfAborted()
    const heldOff = this.#heldOff()
    const fault = heldOff ?? (await plainFault(source)) ?? (await this.#start())
    if (!fault) {
      await until(clock, clock.now() + TRIAL_MS, this.#closing.signal).catch(() => undefined)
      // It may have been lost meanwhile.
      if (this.status === 'ok') return
    } else if (fault !== heldOff) this.#note(fault)
    throw new GainnetError('SENSOR_UNAVAILABLE', this.reason ?? 'the sensor was closed')
  }

  /** Resolves when the first picture has come, or with what is the matter. */
  async #start(): Promise<CameraFault | undefined> {
    // Its programs may still have the camera.
    await this.#stream?.stop()
    this.#cpuSecondsBefore += this.#stream?.cpuSeconds() ?? 0
    this.#stream = undefined
    this.#lastAtMs = null
    const started = await CameraStream.start({
      ...this.#options,
      wasFrozen: this.#fault?.kind === 'frozen',
      signal: this.#closing.signal,
      onRow: (row, atMs) => this.#take(row, atMs),
      onLost: fault => this.#lose(fault),
    })
    if (!(started instanceof CameraStream)) return started
    this.#stream = started
    if (started.fault) return started.fault
    this.#status = 'ok'
    this.#fault = undefined
    this.#counts.starts += 1
    this.#options.log.info({ camera: started.given, pids: started.pids }, 'camera gives pictures')
    return undefined
  }

  #take(row: Uint8Array, atMs: number): void {
    const { imagesPerSecond } = this.#options
    if (this.#lastAtMs === null) this.#rows.restart()
    else {
      const sinceMs = atMs - this.#lastAtMs
      if (sinceMs > Math.max(GAP_MS_MIN, (GAP_PERIODS * 1000) / imagesPerSecond)) {
        const lost = Math.round((sinceMs * imagesPerSecond) / 1000) - 1
        this.#counts.lost += lost
        this.#rows.gap(lost)
      }
    }
    this.#lastAtMs = atMs
    this.#counts.delivered += 1
    if (this.#recordings === 0) this.#counts.untaken += 1
    this.#rows.push(row, atMs)
  }

  /** By itself, while it was in use; before that, `start` tells. */
  #lose(fault: CameraFault): void {
    if (this.#status === 'lost') return
    this.#status = 'lost'
    this.#rows.gap(0)
    this.#note(fault)
    this.#options.onChange()
  }

  #note(fault: CameraFault): void {
    const isNews = fault.kind !== this.#fault?.kind
    this.#fault = fault
    this.#faultAtMs = this.#options.clock.now()
    // Once for each state, not for each attempt.
    if (isNews) this.#options.log.info({ fault: fault.kind }, 'camera gives no pictures')
  }

  #heldOff(): CameraFault | undefined {
    const { source, clock } = this.#options
    const fault = this.#fault
    if (!fault || clock.now() > this.#faultAtMs + HOLD_OFF_MS) return undefined
    const isOnRibbonCable = source.from === 'rpicam' || source.from === 'jetson'
    const isHeldOff = HELD_OFF.has(fault.kind) || (isOnRibbonCable && fault.kind === 'absent')
    return isHeldOff ? fault : undefined
  }

  get #cpuSeconds(): number {
    return this.#cpuSecondsBefore + (this.#stream?.cpuSeconds() ?? 0)
  }

  #tellCpu(): void {
    const seconds = this.#cpuSeconds - this.#cpuSecondsTold
    this.#cpuSecondsTold += seconds
    if (seconds > 0) this.#options.onChildCpu?.(seconds)
  }
}
