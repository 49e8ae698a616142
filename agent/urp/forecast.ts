import { mean, quantile } from 'simple-statistics'
import { type Matrix, matrixOf } from '../../protocol/matrix.ts'
import type { RowForecast } from '../../protocol/urp.ts'
import { RowAccount } from './forecast/row-account.ts'

/** Fewer rounds tell nothing about a single slot: all slots of a unit are taken together. */
const ROUNDS_FOR_SLOTS = 3

/**
 * Availability of the coming round: for each slot and unit a quantile of what the recent rounds had
 * there. A quantile below the median promises less than is usual, and one odd round does not move it.
 * Cells that were not measured are NaN and do not count; null where a unit was never measured.
 */
export function forecastRound(
  history: readonly Matrix[],
  { quantile: share }: { readonly quantile: number },
): Matrix | null {
  const last = history.at(-1)
  if (!last || last.columns === 0) return null
  const { rows, columns } = last
  const pooled = Array.from({ length: columns }, (_, column) =>
    history.flatMap(round => rowsOf(round).flatMap(row => known(round, row, column))),
  )
  if (pooled.some(values => values.length === 0)) return null
  return matrixOf(rows, columns, (row, column) => {
    const atSlot = history.flatMap(round => known(round, row, column))
    const values = atSlot.length >= ROUNDS_FOR_SLOTS ? atSlot : (pooled[column] ?? [])
    return quantile(values, share)
  })
}

function rowsOf({ rows }: Matrix): number[] {
  return Array.from({ length: rows }, (_, row) => row)
}

function known({ columns, values }: Matrix, row: number, column: number): number[] {
  const value = values[row * columns + column]
  return value === undefined || Number.isNaN(value) ? [] : [value]
}

/** Mean absolute difference over the cells that both know; NaN where there is none. */
export function meanAbsoluteError(forecast: Matrix, measured: Matrix): number {
  const errors = [...forecast.values].flatMap((value, index) => {
    const error = Math.abs(value - (measured.values[index] ?? Number.NaN))
    return Number.isNaN(error) ? [] : [error]
  })
  return errors.length > 0 ? mean(errors) : Number.NaN
}

/** Forecasts one matrix round by round and keeps account of how far off it was. */
export class Forecaster {
  readonly #quantile: number
  readonly #roundsMax: number
  readonly #history: Matrix[] = []
  readonly #forecasts = new Map<number, Matrix>()
  readonly #errors: number[] = []
  /** One a column: what it will be like on average over the round. */
  #rows: RowAccount[] = []

  constructor(options: { readonly quantile: number; readonly roundsMax: number }) {
    this.#quantile = options.quantile
    this.#roundsMax = options.roundsMax
  }

  /** What round `crId` was really like. A change of slots or units starts a new history. */
  observe(crId: number, measured: Matrix): void {
    this.#dropOtherShape(measured)
    for (const [row, slots] of this.#rowsOf(measured)) row.observe(crId, slots)
    const forecast = this.#forecasts.get(crId)
    const error = forecast ? meanAbsoluteError(forecast, measured) : Number.NaN
    if (!Number.isNaN(error)) this.#errors.push(error)
    for (const past of [...this.#forecasts.keys()]) if (past <= crId) this.#forecasts.delete(past)
    this.#history.push(measured)
    if (this.#history.length > this.#roundsMax) this.#history.shift()
    if (this.#errors.length > this.#roundsMax) this.#errors.shift()
  }

  /** The forecast for round `crId`; `current` is the round that runs, as far as it is known. */
  forecast(crId: number, current?: Matrix): Matrix | null {
    if (current) this.#dropOtherShape(current)
    if (current) for (const [row, slots] of this.#rowsOf(current)) row.forecast(crId, slots)
    else for (const row of this.#rows) row.forecast(crId)
    const history = current ? [...this.#history, current] : this.#history
    const forecast = forecastRound(history, { quantile: this.#quantile })
    if (forecast) this.#forecasts.set(crId, forecast)
    return forecast
  }

  /** Mean absolute error of the recent forecasts, in availability; undefined before the first. */
  get errorMean(): number | undefined {
    return this.#errors.length > 0 ? mean(this.#errors) : undefined
  }

  /** The rows' forecasts with their past errors, named in the order of the columns. */
  rows(names: readonly string[]): RowForecast[] {
    return names.flatMap((name, column) => this.#rows[column]?.figures(name) ?? [])
  }

  /** Each row's account with its slots. */
  #rowsOf({ rows: slots, columns, values }: Matrix): (readonly [RowAccount, number[]])[] {
    if (this.#rows.length !== columns) {
      const options = { slots, roundsMax: this.#roundsMax }
      this.#rows = Array.from({ length: columns }, () => new RowAccount(options))
    }
    return this.#rows.map((row, column) => [
      row,
      Array.from({ length: slots }, (_, slot) => values[slot * columns + column] ?? Number.NaN),
    ])
  }

  #dropOtherShape({ rows, columns }: Matrix): void {
    const last = this.#history.at(-1)
    if (!last || (last.rows === rows && last.columns === columns)) return
    this.#history.length = 0
    this.#errors.length = 0
    this.#rows = []
    this.#forecasts.clear()
  }
}
