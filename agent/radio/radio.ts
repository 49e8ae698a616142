import type { Clock } from '../../runtime/clock.ts'
import { deferred } from '../../runtime/deferred.ts'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { heardPieces } from './heard-pieces.ts'
import type { RadioSettings } from './measure-radio.ts'
import { RtlTcpClient } from './rtl-tcp/rtl-tcp-client.ts'
import type { SpectrumPlan } from './spectrum/spectrum-plan.ts'
import type { SpectrumRound } from './spectrum/spectrum-rounds.ts'
import { SpectrumThread } from './spectrum/spectrum-thread.ts'
import { StreamTime } from './stream-time.ts'

/** What a radio heard in so long. Slots of a communication round are made of whole ones. */
export const RADIO_ROW_MS = 50
/** Rows are judged and handed over together; the noise floor is that of the last four seconds. */
const ROWS_TOGETHER = 5
const FLOOR_ROUNDS = 16
/** How late a row comes at most where the machine keeps up: its round, and the way of its bytes. */
export const RADIO_LATENCY_MS = 2 * ROWS_TOGETHER * RADIO_ROW_MS
/** Until what is heard was received as tuned: buffers of a server, and the tuner itself. */
const SETTLING_MS = 300
/** rtl_tcp sends a buffer of 256 KiB at a time: three that do not come are no delay. */
const BUFFER_BYTES = 256 * 1024
const SILENCE_MS_MIN = 1500
/** Opened is what has told its first rows. */
const FIRST_ROWS_MS_MAX = 3000

export interface RadioRow {
  /** When it began, on the agent's clock. */
  readonly atMs: number
  /** By block from the lowest frequency up: share of the time that was free. */
  readonly free: Float32Array
  /** Mean power, full scale being 1. */
  readonly power: Float32Array
  /** False: the row was lost on the way, and the two above are zeros. */
  readonly isHeard: boolean
}

export interface RadioOptions {
  readonly id: string
  readonly settings: RadioSettings
  /** Share of each row that is listened to: the rest costs no computing. */
  readonly listenShare: number
  readonly clock: Clock
  /** Computing time that its thread took. */
  readonly onSpent: (cpuSeconds: number) => void
}

/** A receiver that is heard all the time, for the URP and for sensors: a server serves one client. */
export class Radio {
  readonly id: string
  readonly settings: RadioSettings
  readonly #options: RadioOptions
  readonly #rowListeners = new Set<(row: RadioRow) => void>()
  readonly #changeListeners = new Set<() => void>()
  #status: 'ok' | 'lost' = 'lost'
  #reason: string | undefined = 'it was not opened yet'
  #client: RtlTcpClient | null = null
  #listening: Promise<void> = Promise.resolve()
  #opening: Promise<void> | null = null
  #isClosed = false

  constructor(options: RadioOptions) {
    this.#options = options
    this.id = options.id
    this.settings = options.settings
  }

  get status(): 'ok' | 'lost' {
    return this.#status
  }

  get reason(): string | undefined {
    return this.#status === 'ok' ? undefined : this.#reason
  }

  /** Returns what ends it. */
  onRow(listener: (row: RadioRow) => void): () => void {
    this.#rowListeners.add(listener)
    return () => this.#rowListeners.delete(listener)
  }

  /** Called when it was lost or found. Returns what ends it. */
  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener)
    return () => this.#changeListeners.delete(listener)
  }

  /** Who calls while it is being opened waits for the same attempt. */
  open(): Promise<void> {
    if (this.#status === 'ok') return Promise.resolve()
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null
    })
    return this.#opening
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#status = 'lost'
    await this.#client?.stop()
    await this.#opening?.catch(() => undefined)
    await this.#listening
  }

  async #open(): Promise<void> {
    await this.#listening
    const { settings, clock } = this.#options
    const { host, port, rateHz } = settings
    const bufferMs = (BUFFER_BYTES * 1000) / (2 * rateHz)
    const silenceMsMax = Math.max(SILENCE_MS_MIN, 3 * bufferMs)
    const client = await RtlTcpClient.connect({ host, port, silenceMsMax })
    const first = deferred<void>()
    first.promise.catch(() => undefined)
    this.#client = client
    if (this.#isClosed) await client.stop()
    this.#listening = this.#listen(client, () => first.resolve())
      .then(() => (this.#isClosed ? 'it is closed' : 'it sends no samples'), messageOf)
      .then(async reason => {
        await client.stop()
        const wasThere = this.#status === 'ok'
        this.#status = 'lost'
        this.#reason = reason
        first.reject(new GainnetError('SENSOR_UNAVAILABLE', reason))
        if (wasThere) this.#tellChange()
      })
    const late = clock.at(clock.now() + FIRST_ROWS_MS_MAX, () => void client.stop())
    try {
      await first.promise
    } finally {
      late.cancel()
    }
    this.#status = 'ok'
    if (this.#isClosed) await client.stop()
    else this.#tellChange()
  }

  /** Until the client is stopped; rejects when the radio is lost. */
  async #listen(client: RtlTcpClient, onFirst: () => void): Promise<void> {
    const { settings, listenShare, clock, onSpent } = this.#options
    const { rateHz, blocks } = settings
    const plan: SpectrumPlan = {
      ...{ format: 'cu8', rateHz, blocks, floorRounds: FLOOR_ROUNDS },
      ...{ slots: ROWS_TOGETHER, slotMs: RADIO_ROW_MS },
    }
    const time = new StreamTime()
    let [rows, spent] = [0, 0]
    const thread = new SpectrumThread(plan, round => {
      this.#hand(round, index => time.at((rows + index) * RADIO_ROW_MS))
      rows += ROWS_TOGETHER
      onSpent(thread.busySeconds - spent)
      spent = thread.busySeconds
      onFirst()
    })
    try {
      client.tune(settings)
      const rowBytes = bytesOf(rateHz, RADIO_ROW_MS)
      const shape = { rowBytes, heardBytes: bytesOf(rateHz, RADIO_ROW_MS * listenShare) }
      let at = -bytesOf(rateHz, SETTLING_MS)
      for await (const part of client.parts()) {
        const bytes = part.is === 'gap' ? part.bytes : part.bytes.length
        time.note(((at + bytes) * RADIO_ROW_MS) / rowBytes, clock.now())
        for (const { from, to, isHeard } of heardPieces(at, bytes, shape)) {
          if (isHeard && part.is === 'bytes') await thread.push(part.bytes.subarray(from, to))
          else thread.skip(to - from)
        }
        at += bytes
      }
    } finally {
      await thread.finish()
    }
  }

  #tellChange(): void {
    for (const listener of this.#changeListeners) listener()
  }

  #hand({ availability, power, heard }: SpectrumRound, timeOf: (row: number) => number): void {
    const { columns } = availability
    for (const [row, share] of heard.entries()) {
      const ends = [row * columns, (row + 1) * columns] as const
      const told: RadioRow = {
        atMs: timeOf(row),
        free: Float32Array.from(availability.values.slice(...ends)),
        power: Float32Array.from(power.values.slice(...ends)),
        isHeard: share > 0,
      }
      for (const listener of this.#rowListeners) listener(told)
    }
  }
}

/** Of whole samples, two bytes each. */
function bytesOf(rateHz: number, ms: number): number {
  return 2 * Math.round((rateHz * ms) / 1000)
}
