import { expect, test } from 'vitest'
import { RowAccount } from '../../../../agent/urp/forecast/row-account.ts'
import { RowForecast } from '../../../../protocol/urp.ts'

const UNKNOWN = Number.NaN

test('an account tells nothing before anything was measured', () => {
  const account = new RowAccount({ slots: 2, roundsMax: 4, quantile: 0.25 })
  account.forecast(1, [UNKNOWN, UNKNOWN])
  expect(account.figures('cpu0')).toBeNull()
})

test('an account compares each forecast with its own round, which ends after the next is forecast', () => {
  const account = new RowAccount({ slots: 2, roundsMax: 4, quantile: 0.25 })
  account.observe(0, [0.5, 0.5])
  account.forecast(1)
  // In round 1, before its second slot is over, round 2 is forecast.
  account.forecast(2, [0.7, UNKNOWN])
  expect(account.figures('cpu0')).toMatchObject({ row: 'cpu0', n: 0 })
  account.observe(1, [0.7, 0.9])
  const figures = account.figures('cpu0')
  expect(figures).toMatchObject({ n: 1, errorMean: 0.3, persistenceErrorMean: 0.3 })
  expect(RowForecast.parse(figures)).toEqual(figures)
})

test('an account looks back over a limited number of rounds', () => {
  const account = new RowAccount({ slots: 2, roundsMax: 4, quantile: 0.25 })
  for (let crId = 0; crId < 20; crId++) {
    account.observe(crId, [0.25, 0.25])
    account.forecast(crId + 1)
  }
  expect(account.figures('edge')).toMatchObject({
    n: 4,
    p50: 0.25,
    errorMean: 0,
    persistenceErrorMean: 0,
    coverage80: 1,
  })
})

test('a round without a measurement is neither right nor wrong', () => {
  const account = new RowAccount({ slots: 2, roundsMax: 4, quantile: 0.25 })
  account.observe(0, [0.5, 0.5])
  account.forecast(1)
  account.observe(1, [UNKNOWN, UNKNOWN])
  expect(account.figures('cpu0')).toMatchObject({ n: 0 })
  expect(account.figures('cpu0')).not.toHaveProperty('errorMean')
})

test('a count of rounds that starts anew is followed', () => {
  const account = new RowAccount({ slots: 2, roundsMax: 4, quantile: 0.25 })
  account.observe(500, [0.1, 0.1])
  for (let crId = 1; crId < 12; crId++) account.observe(crId, [0.9, 0.9])
  account.forecast(12)
  expect(account.figures('cpu0')?.p50).toBeGreaterThan(0.85)
})

test('no availability above 1 is forecast', () => {
  const account = new RowAccount({ slots: 2, roundsMax: 4, quantile: 0.25 })
  for (const [crId, share] of [0.2, 0.9, 0.3, 1, 0.4, 1, 1].entries()) {
    account.observe(crId, [share, share])
    account.forecast(crId + 1)
    const { p10 = 0, p90 = 0 } = account.figures('cpu0') ?? {}
    expect(p90).toBeLessThanOrEqual(1)
    expect(p10).toBeGreaterThanOrEqual(0)
  }
})
