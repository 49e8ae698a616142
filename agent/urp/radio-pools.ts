import { type Matrix, matrixOf } from '../../protocol/matrix.ts'
import type { FrequencyPool, Provenance } from '../../protocol/urp.ts'
import type { Clock } from '../../runtime/clock.ts'
import { type CrSchedule, crEndMs, scheduleOf } from '../cr-schedule.ts'
import { RADIO_ROW_MS, type Radio } from '../radio/radio.ts'
import { Forecaster } from './forecast.ts'

/** A quarter of an hour: two rounds are needed, and none is longer than some minutes. */
const ROWS_MAX = 20_000

const METHOD = 'quantile of free blocks per slot, heard by the radio'

export interface RadioPool {
  readonly link: string
  /** Null while nothing is known. */
  readonly pool: FrequencyPool | null
  readonly provenance: Provenance
}

interface FreeRow {
  readonly atMs: number
  readonly free: Float32Array
}

/** What the radios hear, as the time-frequency matrices of the coming round: one link id a radio. */
export class RadioPools {
  readonly #radios: readonly OneRadio[]

  constructor(options: {
    readonly radios: readonly Radio[]
    readonly forecast: { readonly quantile: number; readonly roundsMax: number }
    readonly clock: Clock
  }) {
    this.#radios = options.radios.map(radio => new OneRadio(radio, options))
  }

  isThere(link: string): boolean {
    return this.#radios.some(({ radio }) => radio.id === link && radio.status === 'ok')
  }

  /** For the round that comes after the one that runs. */
  forRound(coming: CrSchedule): readonly RadioPool[] {
    return this.#radios.map(radio => radio.forRound(coming))
  }
}

class OneRadio {
  readonly radio: Radio
  readonly #clock: Clock
  readonly #forecaster: Forecaster
  #rows: FreeRow[] = []
  #observedCr = Number.NEGATIVE_INFINITY

  constructor(
    radio: Radio,
    {
      clock,
      forecast,
    }: {
      readonly clock: Clock
      readonly forecast: { readonly quantile: number; readonly roundsMax: number }
    },
  ) {
    this.radio = radio
    this.#clock = clock
    this.#forecaster = new Forecaster(forecast)
    radio.onRow(({ atMs, free, isHeard }) => {
      if (isHeard) this.#rows.push({ atMs: atMs + RADIO_ROW_MS / 2, free })
      if (this.#rows.length > ROWS_MAX) this.#rows.splice(0, ROWS_MAX / 10)
    })
  }

  forRound(coming: CrSchedule): RadioPool {
    const running = scheduleOf(coming, coming.crId - 1)
    const before = scheduleOf(coming, coming.crId - 2)
    // Its last rows came after its end.
    if (this.#observedCr < before.crId) {
      this.#forecaster.observe(before.crId, this.#measured(before))
      this.#observedCr = before.crId
    }
    this.#rows = this.#rows.filter(({ atMs }) => atMs >= running.startsAtMs)
    const matrix = this.#forecaster.forecast(coming.crId, this.#measured(running))
    const { id, status, reason = '', settings } = this.radio
    const at = { measuredAt: new Date(this.#clock.now()).toISOString(), durationMs: 0 }
    const absent = (why: string): RadioPool => ({
      link: id,
      pool: null,
      provenance: { status: 'absent', reason: why.slice(0, 300), ...at },
    })
    if (status === 'lost') return absent(reason)
    if (!matrix) return absent('nothing was heard yet')
    const { errorMean } = this.#forecaster
    return {
      link: id,
      pool: {
        link: id,
        kind: 'spectrum',
        blockCount: settings.blocks,
        blockWidthHz: settings.rateHz / settings.blocks,
        availability: matrix,
      },
      provenance: {
        status: 'ok',
        method: METHOD,
        ...at,
        ...(errorMean === undefined ? {} : { forecastErrorMean: errorMean }),
      },
    }
  }

  /** Slots x blocks; a slot of which nothing was heard is not known. */
  #measured(round: CrSchedule): Matrix {
    const { blocks } = this.radio.settings
    const sums = new Float64Array(round.slots * blocks)
    const counts = new Float64Array(round.slots)
    for (const { atMs, free } of this.#rows) {
      if (atMs < round.startsAtMs || atMs >= crEndMs(round)) continue
      const slot = Math.floor((atMs - round.startsAtMs) / round.slotMs)
      counts[slot] = (counts[slot] ?? 0) + 1
      for (const [block, share] of free.entries()) {
        const at = slot * blocks + block
        sums[at] = (sums[at] ?? 0) + share
      }
    }
    return matrixOf(round.slots, blocks, (slot, block) => {
      const count = counts[slot] ?? 0
      return count > 0 ? (sums[slot * blocks + block] ?? 0) / count : Number.NaN
    })
  }
}
