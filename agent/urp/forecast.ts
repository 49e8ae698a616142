import { mean } from 'simple-statistics'
import { type Matrix, matrixOf } from '../../protocol/matrix.ts'
import type { RowForecast } from '../../protocol/urp.ts'
import { RowAccount } from './forecast/row-account.ts'
import { slotQuantiles } from './forecast/slot-quantiles.ts'

/**
 * A quantile of what the rounds had at each slot and unit; see slotQuantiles. Null where a unit was
 * never measured.
 */
export function forecastRound(
  history: readonly Matrix[],
  { quantile }: { readonly quantile: number },
): Matrix | null {
  const last = history.at(-1)
  if (!last) return null
  const byColumn = Array.from({ length: last.columns }, (_, column) =>
    slotQuantiles(
      history.map(round => columnOf(round, column)),
      { slots: last.rows, quantile },
    ),
  )
  return matrixOfColumns(byColumn, last.rows)
}

function columnOf({ rows, columns, values }: Matrix, column: number): number[] {
  return Array.from({ length: rows }, (_, row) => values[row * columns + column] ?? Number.NaN)
}

/** Null where there is no column or one of them is not known: absent is absent, and never 0. */
function matrixOfColumns(
  byColumn: readonly (readonly number[] | null)[],
  rows: number,
): Matrix | null {
  const known = byColumn.flatMap(column => (column ? [column] : []))
  if (known.length === 0 || known.length < byColumn.length) return null
  return matrixOf(rows, known.length, (row, column) => known[column]?.[row] ?? 0)
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
  readonly #options: { readonly quantile: number; readonly roundsMax: number }
  #shape: { readonly rows: number; readonly columns: number } | null = null
  readonly #forecasts = new Map<number, Matrix>()
  readonly #errors: number[] = []
  /** One a column. */
  #rows: readonly RowAccount[] = []

  constructor(options: { readonly quantile: number; readonly roundsMax: number }) {
    this.#options = options
  }

  /** What round `crId` was really like. A change of slots or units starts a new history. */
  observe(crId: number, measured: Matrix): void {
    this.#takeShape(measured)
    for (const [column, row] of this.#rows.entries()) row.observe(crId, columnOf(measured, column))
    const forecast = this.#forecasts.get(crId)
    const error = forecast ? meanAbsoluteError(forecast, measured) : Number.NaN
    if (!Number.isNaN(error)) this.#errors.push(error)
    for (const past of [...this.#forecasts.keys()]) if (past <= crId) this.#forecasts.delete(past)
    if (this.#errors.length > this.#options.roundsMax) this.#errors.shift()
  }

  /** The forecast for round `crId`; `current` is the round that runs, as far as it is known. */
  forecast(crId: number, current?: Matrix): Matrix | null {
    if (current) this.#takeShape(current)
    if (!this.#shape) return null
    const promised = this.#rows.map((row, column) =>
      row.forecast(crId, current && columnOf(current, column)),
    )
    const forecast = matrixOfColumns(promised, this.#shape.rows)
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

  #takeShape({ rows, columns }: Matrix): void {
    if (this.#shape?.rows === rows && this.#shape.columns === columns) return
    this.#shape = { rows, columns }
    const options = { ...this.#options, slots: rows }
    this.#rows = Array.from({ length: columns }, () => new RowAccount(options))
    this.#errors.length = 0
    this.#forecasts.clear()
  }
}
