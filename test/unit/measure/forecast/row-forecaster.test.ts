import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RowForecaster } from '../../../../agent/urp/forecast/row-forecaster.ts'
import { seededRandom, standardNormal } from '../../../../runtime/seeded-random.ts'

const SEED = 20_260_101
const SLOTS = 10

/** Walks forward over a series of slots; what was forecast beside what came. */
function walk(series: readonly number[], slots = SLOTS) {
  const forecaster = new RowForecaster(slots)
  const rounds = []
  for (let from = 0; from + slots <= series.length; from += slots) {
    const round = series.slice(from, from + slots)
    const value = round.reduce((sum, slot) => sum + slot, 0) / slots
    const forecast = forecaster.forecast()
    if (forecast) rounds.push({ ...forecast, value })
    forecaster.observe(round)
  }
  return rounds
}

/** x(t) = mean + φ (x(t-1) - mean) + noise, an autoregressive series of slots. */
function autoregressive(
  length: number,
  { phi, noise, mean }: { readonly phi: number; readonly noise: number; readonly mean: number },
): number[] {
  const random = seededRandom(SEED)
  let deviation = 0
  return Array.from({ length }, () => {
    deviation = phi * deviation + noise * standardNormal(random)
    return Math.max(0, mean + deviation)
  })
}

describe('the forecast of a row', () => {
  test('is none before anything was measured, and never 0 for it', () => {
    const forecaster = new RowForecaster(4)
    expect(forecaster.forecast()).toBeNull()
    forecaster.observe([Number.NaN, Number.POSITIVE_INFINITY, -1, Number.NEGATIVE_INFINITY])
    expect(forecaster.forecast()).toBeNull()
    forecaster.observe([Number.NaN, 7, Number.NaN, Number.NaN])
    expect(forecaster.forecast()?.p50).toBeCloseTo(7, 9)
  })

  test.each([0, 1e-6, 0.75, 3e8])('of a row that is always %d is that', level => {
    for (const { p10, p50, p90, value } of walk(Array(40 * SLOTS).fill(level))) {
      expect(Math.abs(p50 - level)).toBeLessThanOrEqual(1e-9 * level)
      expect(p10).toBeLessThanOrEqual(value)
      expect(p90).toBeGreaterThanOrEqual(value)
    }
  })

  test('is finite, ordered and not below 0 whatever was heard', () => {
    const slot = fc.oneof(
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      fc.double(),
      fc.constantFrom(0, Number.NaN, -5, Number.POSITIVE_INFINITY),
    )
    const heard = fc.array(fc.array(slot, { maxLength: 12 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(heard, fc.integer({ min: 1, max: 12 }), (rounds, slots) => {
        const forecaster = new RowForecaster(slots)
        for (const round of rounds) {
          forecaster.observe(round)
          const forecast = forecaster.forecast()
          if (!forecast) continue
          const { p10, p50, p90 } = forecast
          expect([p10, p50, p90].every(Number.isFinite)).toBe(true)
          expect(p10).toBeGreaterThanOrEqual(0)
          expect(p50).toBeGreaterThanOrEqual(p10)
          expect(p90).toBeGreaterThanOrEqual(p50)
        }
      }),
      { seed: SEED, numRuns: 200 },
    )
  })

  test('lies within a twentieth of the span that was seen lately', () => {
    const series = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
      minLength: 40,
      maxLength: 120,
    })
    fc.assert(
      fc.property(series, slots => {
        for (const { p50 } of walk(slots, 4)) {
          expect(p50).toBeGreaterThanOrEqual(0)
          expect(p50).toBeLessThanOrEqual(1.05 * Math.max(...slots) + 1e-12)
        }
      }),
      { seed: SEED },
    )
  })

  test('does not depend on the unit', () => {
    const series = autoregressive(100 * SLOTS, { phi: 0.9, noise: 1, mean: 10 })
    const scaled = walk(series.map(slot => slot * 1e6))
    for (const [index, { p10, p50, p90 }] of walk(series).entries()) {
      expect((scaled[index]?.p50 ?? 0) / 1e6).toBeCloseTo(p50, 6)
      expect((scaled[index]?.p10 ?? 0) / 1e6).toBeCloseTo(p10, 6)
      expect((scaled[index]?.p90 ?? 0) / 1e6).toBeCloseTo(p90, 6)
    }
  })

  test.each([
    { name: 'noise', phi: 0, noise: 2, better: 0.8 },
    { name: 'an autoregression', phi: 0.8, noise: 1, better: 0.85 },
    { name: 'nearly a random walk', phi: 0.995, noise: 0.3, better: 0.85 },
  ])('of $name covers four rounds of five and beats persistence', ({ phi, noise, better }) => {
    const rounds = walk(autoregressive(1500 * SLOTS, { phi, noise, mean: 30 }))
    const covered = rounds.filter(({ p10, p90, value }) => value >= p10 && value <= p90).length
    expect(covered / rounds.length, `seed ${SEED}`).toBeGreaterThan(0.76)
    expect(covered / rounds.length, `seed ${SEED}`).toBeLessThan(0.84)
    const errors = rounds.map(({ p50, value }) => Math.abs(p50 - value))
    const changes = rounds.map(({ value }, i) => Math.abs(value - (rounds[i - 1]?.value ?? value)))
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
    expect(sum(errors), `seed ${SEED}`).toBeLessThan(better * sum(changes))
  })

  test('finds a season', () => {
    const pattern = [1, 9, 4, 6, 2]
    const rounds = walk(
      Array.from({ length: 200 * SLOTS }, (_, i) => pattern[Math.floor(i / SLOTS) % 5] ?? 0),
    )
    const late = rounds.slice(-20)
    expect(Math.max(...late.map(({ p50, value }) => Math.abs(p50 - value)))).toBeLessThan(0.2)
    expect(new Set(late.map(({ method }) => method))).toEqual(new Set(['season']))
  })

  test('goes on after a gap', () => {
    const forecaster = new RowForecaster(4)
    for (let round = 0; round < 30; round++) forecaster.observe([5, 5, 5, 5])
    for (let round = 0; round < 60; round++) forecaster.observe(Array(4).fill(Number.NaN))
    expect(forecaster.forecast()?.p50).toBeCloseTo(5, 6)
    for (let round = 0; round < 10; round++) forecaster.observe([8, Number.NaN, 8, 8])
    expect(forecaster.forecast()?.p50).toBeCloseTo(8, 0)
  })

  test('of a round of thousands of slots takes no more parts than of ten', () => {
    const round = Array.from({ length: 4096 }, (_, slot) => 1 + (slot % 2))
    const forecaster = new RowForecaster(round.length)
    for (let count = 0; count < 5; count++) forecaster.observe(round)
    expect(forecaster.forecast()?.p50).toBeCloseTo(1.5, 1)
  })
})
