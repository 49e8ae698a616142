import type { RegressionStarts } from '../../agent/urp/forecast/experts.ts'
import { RowForecaster } from '../../agent/urp/forecast/row-forecaster.ts'
import { roundMean } from './trace-slots.ts'

/** Sums over the rounds that were forecast; errors in Mbit/s. */
export interface Score {
  readonly rounds: number
  readonly error: number
  readonly persistenceError: number
  /** Error of saying that the round will be as the last slot was. */
  readonly lastSlotError: number
  readonly covered: number
}

export interface WalkOptions {
  readonly slotsPerRound: number
  /** Slots at a round's end that are not yet known when the next one is forecast. */
  readonly leadSlots: number
  /** Of the regressions; those of the agent where left out. */
  readonly starts?: RegressionStarts
}

/**
 * Round after round: forecast, then look. Forecasters begin with nothing at each trace. Scored are the
 * rounds that are known and have a known one before them, which persistence repeats.
 */
export function walkForward(rates: Float64Array, options: WalkOptions): Score {
  const { slotsPerRound, leadSlots, starts } = options
  const forecaster = new RowForecaster(slotsPerRound, starts)
  const score = { rounds: 0, error: 0, persistenceError: 0, lastSlotError: 0, covered: 0 }
  let [before, lastSlot] = [Number.NaN, Number.NaN]
  for (let from = 0; from + slotsPerRound <= rates.length; from += slotsPerRound) {
    const slots = rates.slice(from, from + slotsPerRound)
    const value = roundMean(slots)
    const forecast = forecaster.forecast()
    if (forecast && !Number.isNaN(value) && !Number.isNaN(before)) {
      score.rounds++
      score.error += Math.abs(forecast.p50 - value)
      score.persistenceError += Math.abs(before - value)
      score.lastSlotError += Math.abs(lastSlot - value)
      if (value >= forecast.p10 && value <= forecast.p90) score.covered++
    }
    const heard = slots.map((rate, slot) => (slot < slotsPerRound - leadSlots ? rate : Number.NaN))
    forecaster.observe(heard)
    before = roundMean(heard)
    lastSlot = heard.findLast(rate => !Number.isNaN(rate)) ?? lastSlot
  }
  return score
}
