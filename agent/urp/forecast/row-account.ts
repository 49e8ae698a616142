import type { RowForecast as RowFigures } from '../../../protocol/urp.ts'
import { meanOfKnown } from './mean-of-known.ts'
import { type RowForecast, RowForecaster } from './row-forecaster.ts'
import { type Promised, SlotPromise } from './slot-promise.ts'

/** Half precision on the wire and the sums of ticks are not exact: less is not a broken promise. */
const PROMISE_TOLERANCE = 1e-3

interface Outcome {
  readonly error: number
  readonly persistenceError: number
  readonly isCovered: boolean
  /** Share of the slots that had what was promised. */
  readonly kept: number
}

/** What was said of a round that has not ended. */
interface Open {
  readonly forecast: RowForecast
  readonly before: number
  readonly promised: Promised | null
}

/**
 * Forecasts one row round by round, its mean and what each slot is promised, and keeps account of how
 * far off that was.
 */
export class RowAccount {
  readonly #forecaster: RowForecaster
  readonly #slots: number
  readonly #roundsMax: number
  readonly #promise: SlotPromise
  /** Rounds that have ended, oldest first. */
  readonly #rounds: ArrayLike<number>[] = []
  readonly #outcomes: Outcome[] = []
  /** The latest forecast, and those of rounds that have not ended: two at most are under way. */
  #latest: RowForecast | null = null
  readonly #open = new Map<number, Open>()
  #promised: Promised | null = null
  #heardCr: number | null = null
  /** Mean of the latest round as far as it was heard: what persistence says. */
  #before = Number.NaN

  constructor(options: {
    readonly slots: number
    readonly roundsMax: number
    /** Of each slot that is promised. */
    readonly quantile: number
  }) {
    this.#forecaster = new RowForecaster(options.slots)
    this.#slots = options.slots
    this.#roundsMax = options.roundsMax
    this.#promise = new SlotPromise(options)
  }

  /**
   * Forecasts round `crId`. `current` is the round before it as far as it is known: it is learned
   * from now, and not once more when it has ended. Returns what each slot is promised; null where
   * nothing was measured in the rounds that count.
   */
  forecast(crId: number, current?: ArrayLike<number>): readonly number[] | null {
    if (current) this.#hear(crId - 1, current)
    this.#latest = this.#forecaster.forecast()
    if (!this.#latest) return null
    const before = this.#open.get(crId - 1)?.promised
    const promised = this.#promise.promise(
      {
        rounds: current ? [...this.#rounds, current] : this.#rounds,
        slots: this.#slots,
        level: this.#latest.p50,
      },
      current && before ? { promised: before, slots: current } : undefined,
    )
    this.#promised = promised
    this.#open.set(crId, { forecast: this.#latest, before: this.#before, promised })
    return promised?.values ?? null
  }

  /** What round `crId` was like in the end. */
  observe(crId: number, slots: ArrayLike<number>): void {
    const value = meanOfKnown(slots)
    const said = this.#open.get(crId)
    if (said && !Number.isNaN(value)) this.#note(said, { value, slots })
    if (said?.promised) this.#promise.learn(said.promised, slots)
    this.#rounds.push(slots)
    if (this.#rounds.length > this.#roundsMax) this.#rounds.shift()
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
      ...(this.#promised ? { promise: this.#promised.method } : {}),
      n,
      ...(n > 0
        ? {
            errorMean: share(({ error }) => error),
            persistenceErrorMean: share(({ persistenceError }) => persistenceError),
            coverage80: share(({ isCovered }) => (isCovered ? 1 : 0)),
            promiseKept: share(({ kept }) => kept),
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

  #note(
    { forecast, before, promised }: Open,
    { value, slots }: { readonly value: number; readonly slots: ArrayLike<number> },
  ): void {
    const { p10, p50, p90 } = forecast
    this.#outcomes.push({
      error: Math.abs(Math.min(1, p50) - value),
      persistenceError: Math.abs(before - value),
      isCovered: value >= p10 && value <= p90,
      kept: promised ? keptShare(promised.values, slots) : 1,
    })
    if (this.#outcomes.length > this.#roundsMax) this.#outcomes.shift()
  }
}

/** Of the slots that were measured, those that had what was promised. */
function keptShare(promised: readonly number[], slots: ArrayLike<number>): number {
  const over = promised.map((value, slot) => (slots[slot] ?? Number.NaN) - value)
  const known = over.filter(value => !Number.isNaN(value))
  return known.filter(value => value >= -PROMISE_TOLERANCE).length / known.length
}

/** Four digits: a URP is sent each round. */
function rounded(value: number): number {
  return Number(value.toFixed(4))
}
