import type { RowForecast as RowFigures } from '../../../protocol/urp.ts'
import { meanOfKnown } from './mean-of-known.ts'
import { type RowForecast, RowForecaster } from './row-forecaster.ts'

interface Outcome {
  readonly error: number
  readonly persistenceError: number
  readonly isCovered: boolean
}

/** Forecasts the mean of one row round by round and keeps account of how far off that was. */
export class RowAccount {
  readonly #forecaster: RowForecaster
  readonly #roundsMax: number
  readonly #outcomes: Outcome[] = []
  /** The latest forecast, and those of rounds that have not ended: two at most are under way. */
  #latest: RowForecast | null = null
  readonly #open = new Map<number, { readonly forecast: RowForecast; readonly before: number }>()
  #heardCr: number | null = null
  /** Mean of the latest round as far as it was heard: what persistence says. */
  #before = Number.NaN

  constructor(options: { readonly slots: number; readonly roundsMax: number }) {
    this.#forecaster = new RowForecaster(options.slots)
    this.#roundsMax = options.roundsMax
  }

  /**
   * Forecasts round `crId`. `current` is the round before it as far as it is known: it is learned
   * from now, and not once more when it has ended.
   */
  forecast(crId: number, current?: ArrayLike<number>): void {
    if (current) this.#hear(crId - 1, current)
    this.#latest = this.#forecaster.forecast()
    if (!this.#latest) return
    this.#open.set(crId, { forecast: this.#latest, before: this.#before })
  }

  /** What round `crId` was like in the end. */
  observe(crId: number, slots: ArrayLike<number>): void {
    const value = meanOfKnown(slots)
    const said = this.#open.get(crId)
    if (said && !Number.isNaN(value)) this.#note(said, value)
    for (const past of [...this.#open.keys()]) if (past <= crId) this.#open.delete(past)
    this.#hear(crId, slots)
  }

  /** The latest forecast and how such ones were; null while nothing has been measured. */
  figures(row: string): RowFigures | null {
    if (!this.#latest) return null
    const { p10, p50, p90, method } = this.#latest
    const outcomes = this.#outcomes
    const n = outcomes.length
    const share = (of: (outcome: Outcome) => number) =>
      rounded(outcomes.reduce((sum, outcome) => sum + of(outcome), 0) / n)
    return {
      row,
      p10: rounded(Math.min(1, p10)),
      p50: rounded(Math.min(1, p50)),
      p90: rounded(Math.min(1, p90)),
      method,
      n,
      ...(n > 0
        ? {
            errorMean: share(({ error }) => error),
            persistenceErrorMean: share(({ persistenceError }) => persistenceError),
            coverage80: share(({ isCovered }) => (isCovered ? 1 : 0)),
          }
        : {}),
    }
  }

  #hear(crId: number, slots: ArrayLike<number>): void {
    if (crId === this.#heardCr) return
    this.#heardCr = crId
    this.#forecaster.observe(slots)
    const mean = meanOfKnown(slots)
    if (!Number.isNaN(mean)) this.#before = mean
  }

  #note(said: { readonly forecast: RowForecast; readonly before: number }, value: number): void {
    const { p10, p50, p90 } = said.forecast
    this.#outcomes.push({
      error: Math.abs(Math.min(1, p50) - value),
      persistenceError: Math.abs(said.before - value),
      isCovered: value >= p10 && value <= p90,
    })
    if (this.#outcomes.length > this.#roundsMax) this.#outcomes.shift()
  }
}

/** Four digits: a URP is sent each round. */
function rounded(value: number): number {
  return Number(value.toFixed(4))
}
