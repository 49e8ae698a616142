import type { RowForm } from '../../../protocol/row-form.ts'
import type { DataSketch, SensingFigures } from '../../../protocol/urp.ts'
import type { Clock } from '../../../runtime/clock.ts'
import { GainnetError } from '../../../runtime/errors.ts'
import { RADIO_LATENCY_MS, type Radio, type RadioRow } from '../../radio/radio.ts'
import { RowStream } from '../row-stream.ts'
import type { Recording, RecordOptions, Sensor } from '../sensor.ts'

/** Noise of eight bits lies at about -60 dBFS in a block: 0 to 1 is from there on to full scale. */
const DBFS_MIN = -100

export interface SpectrumSensorOptions {
  readonly id: string
  readonly radio: Radio
  readonly measures: 'power' | 'occupancy'
  readonly clock: Clock
  readonly onChange: () => void
}

/** What a radio of the configuration hears, a row of its resource blocks every 50 ms. */
export class SpectrumSensor implements Sensor {
  readonly kind = 'spectrum'
  readonly senses: string
  readonly id: string
  readonly form: RowForm
  readonly #options: SpectrumSensorOptions
  readonly #stream: RowStream
  #unsubscribe: readonly (() => void)[] | null = null

  constructor(options: SpectrumSensorOptions) {
    const { radio, measures, clock } = options
    this.#options = options
    this.id = options.id
    this.senses = `${measures} of a band, by block`
    this.form = { element: 'float32', shape: [radio.settings.blocks] }
    this.#stream = new RowStream({ form: this.form, clock })
  }

  get status(): 'ok' | 'lost' {
    return this.#unsubscribe ? this.#options.radio.status : 'lost'
  }

  get reason(): string | undefined {
    return this.#options.radio.reason
  }

  async open(): Promise<void> {
    const { radio } = this.#options
    const onChange = (): void => {
      this.#stream.restart()
      this.#options.onChange()
    }
    this.#unsubscribe ??= [radio.onRow(row => this.#take(row)), radio.onChange(onChange)]
    await radio.open()
  }

  async record(options: RecordOptions): Promise<Recording> {
    if (this.status === 'lost') {
      throw new GainnetError('SENSOR_UNAVAILABLE', `${this.id} is lost: ${this.reason}`)
    }
    const recording = await this.#stream.record(options, { latencyMs: RADIO_LATENCY_MS })
    return options.blocks ? onlyBlocks(recording, options.blocks) : recording
  }

  figures(): SensingFigures | null {
    if (this.status === 'lost') return null
    return this.#stream.figures({ sensor: this.id, kind: this.kind })
  }

  sketch(): DataSketch | null {
    return this.#stream.sketch()
  }

  async close(): Promise<void> {
    for (const end of this.#unsubscribe ?? []) end()
    this.#unsubscribe = null
  }

  #take({ atMs, free, power, isHeard }: RadioRow): void {
    if (!isHeard) {
      this.#stream.gap(1)
      return
    }
    const row =
      this.#options.measures === 'power' ? power.map(scaled) : free.map(share => 1 - share)
    this.#stream.push(new Uint8Array(row.buffer), atMs)
  }
}

/** Power of full scale 1 as 0 to 1. */
function scaled(power: number): number {
  const dbfs = 10 * Math.log10(Math.max(power, Number.MIN_VALUE))
  return Math.max(0, 1 - dbfs / DBFS_MIN)
}

/** Blocks that were not allocated are zeros: a model sees the same form. */
function onlyBlocks({ segments, droppedRows }: Recording, blocks: readonly number[]): Recording {
  const wanted = new Set(blocks)
  return {
    droppedRows,
    segments: segments.map(segment => {
      const rows = segment.rows.slice()
      const values = new Float32Array(rows.buffer)
      const columns = values.length / Math.max(1, segment.atMs.length)
      for (const index of values.keys()) if (!wanted.has(index % columns)) values[index] = 0
      return { ...segment, rows }
    }),
  }
}
