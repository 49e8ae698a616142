/** The middle 80 %: a tenth below, a tenth above. */
const TAIL = 0.1
/** Half of the width at the start, in mean errors: a Laplace distribution's tenth lies at ln 5. */
const START = 1.6
/** Mean error at the start in scales, and the rounds that this counts for. */
const ERROR_START = 0.85
const ERROR_START_ROUNDS = 6
/** Of the smoothed mean error, per round. */
const ERROR_GAIN = 0.05
/** In scales: the first move of a row that stood still. */
const ERROR_MAX = 10
/** Steps in mean errors: large while little is known, then small but never zero, as rows change. */
const STEP_FIRST = 0.5
const STEP_LAST = 0.1
/** Never quite 0: a row that stands still is not to leave its interval by rounding. */
const LEAST = 0.01

// Quantile tracking (Gibbs and Candès 2021, in the form without α of Angelopoulos, Candès and
// Tibshirani, Conformal PID Control, 2023, 2.1): an end of the interval moves by
//
//   up += γ (1[y > f + up ρ s] - 0.1),   down += γ (1[y < f - down ρ s] - 0.1)
//
// with the row's scale s (mean absolute change from round to round) and ρ, the mean of |y - f| / s,
// so that over any long time each end is passed in a tenth of the rounds, whatever the row does.

/** Interval around a forecast that holds what comes in four rounds of five. */
export class IntervalTracker {
  #up = START
  #down = START
  #error = ERROR_START
  #rounds = 0

  /** Both ends; never below 0, and with the forecast between them. */
  around(forecast: number, scale: number): { readonly low: number; readonly high: number } {
    const unit = this.#error * scale
    return { low: Math.max(0, forecast - this.#down * unit), high: forecast + this.#up * unit }
  }

  /** `value` is what came where `forecast` had been said. */
  learn(
    forecast: number,
    { value, scale }: { readonly value: number; readonly scale: number },
  ): void {
    const { low, high } = this.around(forecast, scale)
    const gain = Math.max(ERROR_GAIN, 1 / (this.#rounds + ERROR_START_ROUNDS))
    const error = Math.min(ERROR_MAX, Math.abs(value - forecast) / scale)
    this.#error += gain * (error - this.#error)
    const step = Math.max(STEP_LAST, STEP_FIRST / Math.sqrt(++this.#rounds))
    this.#up = Math.max(LEAST, this.#up + step * ((value > high ? 1 : 0) - TAIL))
    this.#down = Math.max(LEAST, this.#down + step * ((value < low ? 1 : 0) - TAIL))
  }
}
