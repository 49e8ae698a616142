import { describe, expect, test } from 'vitest'
import { heldShare } from '../../../../agent/urp/forecast/held-rounds.ts'
import { RecentParts } from '../../../../agent/urp/forecast/recent-parts.ts'
import { roundsAlike } from '../../../../agent/urp/forecast/rounds-alike.ts'
import { RowForecaster } from '../../../../agent/urp/forecast/row-forecaster.ts'
import { seededRandom } from '../../../../runtime/seeded-random.ts'

const SEED = 20_260_102
const SLOTS = 4

/** Rounds of one number each. */
function held(rounds: readonly number[]): RecentParts {
  const recent = new RecentParts(SLOTS)
  for (const round of rounds) for (let slot = 0; slot < SLOTS; slot++) recent.push(round)
  return recent
}

describe('rounds like the latest', () => {
  test('say nothing before the first', () => {
    const { fadingMedian, after, afterLately } = roundsAlike(held([]))
    expect([fadingMedian, after, afterLately]).toEqual([Number.NaN, Number.NaN, Number.NaN])
  })

  test('of a single one are that', () => {
    const { fadingMedian, after, afterLately } = roundsAlike(held([3]))
    expect([fadingMedian, after, afterLately]).toEqual([3, 3, 3])
  })

  test('tell after a dip that the plateau comes again, as it did before', () => {
    const dips = [8, 8, 2, 8, 8, 8, 2, 8, 8, 2]
    const { fadingMedian, after, afterLately } = roundsAlike(held(dips))
    expect([fadingMedian, after, afterLately]).toEqual([8, 8, 8])
  })

  test('tell of a new level once two rounds had it', () => {
    expect(roundsAlike(held([8, 8, 8, 8, 8, 2, 2])).fadingMedian).toBe(2)
  })

  test('leave out what was not measured', () => {
    const { after } = roundsAlike(held([5, Number.NaN, 5, Number.NaN]))
    expect(after).toBe(5)
  })
})

describe('the share of rounds that hold one number each', () => {
  test('is 1 where nothing changes within rounds', () => {
    expect(heldShare(held([1, 5, 2, 8]))).toBe(1)
  })

  test('is 0 where rounds change within as much as from one to the next', () => {
    const recent = new RecentParts(SLOTS)
    for (let slot = 0; slot < 10 * SLOTS; slot++) recent.push(slot)
    expect(heldShare(recent)).toBe(0)
  })

  test('is 0 of a row that never moved: there is nothing to tell', () => {
    expect(heldShare(held([4, 4, 4, 4]))).toBe(0)
  })
})

test('of plateaus with dips, a number a round, the forecast beats persistence by a quarter', () => {
  const random = seededRandom(SEED)
  const forecaster = new RowForecaster(SLOTS)
  let [level, error, persistence, before] = [10, 0, 0, 10]
  for (let round = 0; round < 300; round++) {
    if (random() < 0.03) level = 2 + 18 * random()
    const value = random() < 0.2 ? level * random() : level
    const forecast = forecaster.forecast()
    if (forecast) {
      error += Math.abs(forecast.p50 - value)
      persistence += Math.abs(before - value)
    }
    forecaster.observe(Array(SLOTS).fill(value))
    before = value
  }
  expect(error / persistence, `seed ${SEED}`).toBeLessThan(0.75)
})
