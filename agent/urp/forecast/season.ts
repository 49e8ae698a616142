import { type RecentParts, ROUNDS_KEPT } from './recent-parts.ts'

/** What one round more than this ago was like is half forgotten. */
const GAIN_PER_ROUND = 0.05

// Seasonal naive: y(t+1) = y(t+1-p), with the period p in 2 … 24 rounds whose smoothed error
//
//   e_p += gain (|y(t) - y(t-p)| - e_p)
//
// is the least. A row without a season has a bad one then, which gets no weight in the mixture.

/** Looks for the period, in rounds, with which a row repeats itself. */
export class Season {
  readonly #errors = new Float64Array(ROUNDS_KEPT + 1).fill(Number.NaN)

  push(recent: RecentParts): void {
    const gain = GAIN_PER_ROUND / recent.partsPerRound
    const latest = recent.roundMean(0)
    for (let period = 2; period < this.#errors.length; period++) {
      const error = Math.abs(latest - recent.roundMean(period))
      if (Number.isNaN(error)) continue
      const mean = this.#errors[period] ?? Number.NaN
      this.#errors[period] = Number.isNaN(mean) ? error : mean + gain * (error - mean)
    }
  }

  /** The coming round as a period ago it was; NaN while no period is known. */
  forecast(recent: RecentParts): number {
    let best = 0
    let least = Number.POSITIVE_INFINITY
    for (const [period, error] of this.#errors.entries()) {
      if (!(error < least)) continue
      best = period
      least = error
    }
    return best === 0 ? Number.NaN : recent.roundMean(best - 1)
  }
}
