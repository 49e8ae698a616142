import { RowForecaster } from '../../agent/urp/forecast/row-forecaster.ts'
import { roundMean } from './trace-slots.ts'

/** What was known when a round was forecast, and what came. */
export interface SeenRound {
  readonly value: number
  /** The round before, which persistence repeats. */
  readonly before: number
  readonly scale: number
  /** One an expert; NaN where one had nothing to say. */
  readonly opinions: readonly number[]
  readonly linear: { readonly features: readonly number[]; readonly target: number }
  readonly logarithmic: { readonly features: readonly number[]; readonly target: number }
}

/** The rounds of a trace that are known and have a known one before them. */
export function seenRounds(rates: Float64Array, slotsPerRound: number): SeenRound[] {
  const forecaster = new RowForecaster(slotsPerRound)
  const seen: SeenRound[] = []
  let before = Number.NaN
  for (let from = 0; from + slotsPerRound <= rates.length; from += slotsPerRound) {
    const slots = rates.slice(from, from + slotsPerRound)
    const value = roundMean(slots)
    const said = forecaster.opinions()
    if (said && !Number.isNaN(value) && !Number.isNaN(before)) {
      const { linear, logarithmic } = said.regressors
      seen.push({
        value,
        before,
        scale: said.scale,
        opinions: said.opinions.map(opinion => opinion.value),
        linear: { features: linear.features, target: linear.target(value) },
        logarithmic: { features: logarithmic.features, target: logarithmic.target(value) },
      })
    }
    forecaster.observe(slots)
    before = value
  }
  return seen
}

/** Sum of the errors of persistence. */
export function persistenceError(rounds: readonly SeenRound[]): number {
  return rounds.reduce((sum, { value, before }) => sum + Math.abs(value - before), 0)
}
