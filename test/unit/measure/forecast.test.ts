import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Forecaster, forecastRound, meanAbsoluteError } from '../../../agent/urp/forecast.ts'
import { type Matrix, matrixOf } from '../../../protocol/matrix.ts'

/** One row a slot, one column a unit. */
function matrix(rows: readonly (readonly number[])[]): Matrix {
  return matrixOf(rows.length, rows[0]?.length ?? 0, (row, column) => rows[row]?.[column] ?? 0)
}

function rounded({ values }: Matrix): number[] {
  return [...values].map(value => Math.round(value * 1000) / 1000)
}

const QUARTILE = { quantile: 0.25 }

describe('the forecast of a round', () => {
  test('is the quantile of each slot over the recent rounds', () => {
    const history = [
      matrix([[0.9], [0.1]]),
      matrix([[0.8], [0.2]]),
      matrix([[0.7], [0.3]]),
      matrix([[0.6], [0.4]]),
      matrix([[0.5], [0.5]]),
    ]
    // The second smallest of five (Hyndman and Fan 1996, type 7: place 0.25 * (5 - 1) = 1).
    expect(rounded(forecastRound(history, QUARTILE) ?? matrix([]))).toEqual([0.6, 0.2])
  })

  test('is not moved by one odd round', () => {
    const usual = matrix([[0.8]])
    const history = [usual, usual, matrix([[0]]), usual, usual, usual, usual, usual]
    expect(rounded(forecastRound(history, QUARTILE) ?? matrix([]))).toEqual([0.8])
  })

  test('takes all slots of a unit together while there are fewer than three rounds', () => {
    const history = [
      matrix([
        [0.1, 1],
        [0.2, 1],
        [0.3, 1],
        [0.4, 1],
      ]),
    ]
    const forecast = forecastRound(history, QUARTILE)
    // Place 0.25 * (4 - 1) = 0.75, between the smallest and the second.
    expect(rounded(forecast ?? matrix([]))).toEqual([0.175, 1, 0.175, 1, 0.175, 1, 0.175, 1])
  })

  test('leaves out what was not measured', () => {
    const history = [
      matrix([[0.5], [Number.NaN]]),
      matrix([[0.5], [Number.NaN]]),
      matrix([[0.5], [Number.NaN]]),
    ]
    expect(rounded(forecastRound(history, QUARTILE) ?? matrix([]))).toEqual([0.5, 0.5])
  })

  test('is none where nothing was measured', () => {
    expect(forecastRound([], QUARTILE)).toBeNull()
    expect(forecastRound([matrix([[Number.NaN], [Number.NaN]])], QUARTILE)).toBeNull()
  })

  test('lies between the least and the most that was seen', () => {
    const cell = fc.float({ min: 0, max: 1, noNaN: true })
    const rounds = fc.array(fc.array(fc.tuple(cell, cell), { minLength: 4, maxLength: 4 }), {
      minLength: 1,
      maxLength: 8,
    })
    fc.assert(
      fc.property(rounds, fc.double({ min: 0, max: 1, noNaN: true }), (history, quantile) => {
        const seen = history.flat(2).map(Math.fround)
        const forecast = forecastRound(history.map(matrix), { quantile })
        for (const value of forecast?.values ?? [Number.NaN]) {
          expect(value).toBeGreaterThanOrEqual(Math.min(...seen))
          expect(value).toBeLessThanOrEqual(Math.max(...seen))
        }
      }),
    )
  })
})

describe('a forecaster', () => {
  test('keeps the mean absolute error of its forecasts', () => {
    const forecaster = new Forecaster({ quantile: 0.25, roundsMax: 16 })
    forecaster.observe(1, matrix([[0.8], [0.8]]))
    expect(forecaster.errorMean).toBeUndefined()
    forecaster.forecast(2)
    forecaster.observe(2, matrix([[0.7], [0.5]]))
    expect(forecaster.errorMean).toBeCloseTo(0.2, 6)
  })

  test('compares a forecast with its own round and not with the one before', () => {
    const forecaster = new Forecaster({ quantile: 0.5, roundsMax: 16 })
    forecaster.observe(1, matrix([[0.4]]))
    forecaster.forecast(3)
    forecaster.observe(2, matrix([[0.9]]))
    expect(forecaster.errorMean).toBeUndefined()
    forecaster.observe(3, matrix([[0.5]]))
    expect(forecaster.errorMean).toBeCloseTo(0.1, 6)
  })

  test('uses what is known of the round that runs', () => {
    const forecaster = new Forecaster({ quantile: 0.25, roundsMax: 16 })
    const forecast = forecaster.forecast(1, matrix([[0.6], [Number.NaN]]))
    expect(rounded(forecast ?? matrix([]))).toEqual([0.6, 0.6])
  })

  test('forgets rounds beyond its limit', () => {
    const forecaster = new Forecaster({ quantile: 0.25, roundsMax: 3 })
    for (const [crId, share] of [0.1, 0.1, 0.9, 0.9, 0.9].entries()) {
      forecaster.observe(crId, matrix([[share]]))
    }
    expect(rounded(forecaster.forecast(5) ?? matrix([]))).toEqual([0.9])
  })

  test('starts anew when the number of slots changes', () => {
    const forecaster = new Forecaster({ quantile: 0.25, roundsMax: 16 })
    forecaster.observe(1, matrix([[0.1], [0.1]]))
    forecaster.observe(2, matrix([[0.9], [0.9], [0.9]]))
    expect(rounded(forecaster.forecast(3) ?? matrix([]))).toEqual([0.9, 0.9, 0.9])
  })

  test('shows in its matrix a load that comes and goes, and on which unit', () => {
    const forecaster = new Forecaster({ quantile: 0.25, roundsMax: 16 })
    const slots = [0, 1, 2, 3]
    // Two slots of six are busy on the first unit, in rounds of four: no round is like the next.
    const round = (crId: number) =>
      matrix(slots.map(slot => [(crId * 4 + slot) % 6 < 2 ? 0.1 : 0.9, 0.8]))
    for (let crId = 0; crId < 24; crId++) {
      const published = forecaster.forecast(crId)
      if (published && crId >= 12) expect(rounded(published)).toEqual(rounded(round(crId)))
      forecaster.observe(crId, round(crId))
    }
  })

  test('measures no error where nothing was measured', () => {
    expect(meanAbsoluteError(matrix([[0.5]]), matrix([[Number.NaN]]))).toBeNaN()
  })
})
