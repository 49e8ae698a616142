import { describe, expect, test } from 'vitest'
import { estimateOf, warmUpCount } from '../../../../agent/measure/compute/estimate.ts'
import { runFlags, worstOf } from '../../../../agent/measure/compute/run-flags.ts'
import { seededRandom, standardNormal } from '../../../../runtime/seeded-random.ts'

const clean = (rates: readonly number[]) => rates.map(rate => ({ rate, flags: [] }))

describe('the warm-up', () => {
  test('is the first run, and more of them while each is faster than all before', () => {
    expect(warmUpCount([5, 5, 5, 5])).toBe(1)
    expect(warmUpCount([1, 2, 3, 3.01, 3])).toBe(3)
    expect(warmUpCount([3, 2, 4, 4])).toBe(1)
  })

  test('ends where a rate never stops rising, and leaves one run at least', () => {
    expect(warmUpCount(Array.from({ length: 30 }, (_, run) => 1.1 ** run))).toBe(10)
    expect(warmUpCount([7])).toBe(0)
    expect(warmUpCount([1, 2])).toBe(1)
    expect(warmUpCount([])).toBe(0)
  })
})

describe('the estimate of a rate', () => {
  test('is the median without the warm-up', () => {
    const estimate = estimateOf(clean([1, 10, 10, 11, 9, 10]))
    expect(estimate).toMatchObject({ p50: 10, peak: 11, isFlagged: false })
    expect(estimate?.discarded).toEqual([{ reason: 'warm-up', count: 2 }])
    expect(estimate?.n).toBe(4)
  })

  test('leaves out runs that were flagged and counts them by reason', () => {
    const hot = { rate: 1, flags: ['board was throttled', 'clock of the core fell'] }
    const weak = { rate: 2, flags: ['supply too low'] }
    const estimate = estimateOf([
      ...clean([10, 10]),
      hot,
      ...clean([10]),
      hot,
      weak,
      ...clean([10]),
    ])
    expect(estimate).toMatchObject({ p10: 10, p50: 10, n: 3 })
    expect(estimate?.discarded).toEqual([
      { reason: 'warm-up', count: 1 },
      { reason: 'board was throttled', count: 2 },
      { reason: 'supply too low', count: 1 },
    ])
  })

  test('is of flagged runs where there are no others, and says so', () => {
    const flagged = [4, 4, 4].map(rate => ({ rate, flags: ['board was throttled'] }))
    expect(estimateOf(flagged)).toMatchObject({ p50: 4, n: 2, isFlagged: true })
    expect(estimateOf([])).toBeUndefined()
  })

  test('has no interval below six runs and a narrower one with every fourfold of them', () => {
    const random = seededRandom(1)
    const noisy = (n: number) =>
      clean([1, ...Array.from({ length: n }, () => 100 * Math.exp(0.1 * standardNormal(random)))])
    expect(estimateOf(clean([10, 9, 10, 11, 10, 9]))?.width).toBe(1)
    const widths = [20, 80, 320].map(n => estimateOf(noisy(n))?.width ?? 1)
    expect(widths[1]).toBeLessThan(0.8 * (widths[0] ?? 0))
    expect(widths[2]).toBeLessThan(0.8 * (widths[1] ?? 0))
  })

  test('has an interval that holds the true median in 95 of 100 series, whatever their shape', () => {
    const random = seededRandom(2)
    let held = 0
    const SERIES = 400
    for (let series = 0; series < SERIES; series++) {
      // A third of the runs are slowed down by a neighbour: skewed, with a median of a known rank.
      const rates = Array.from({ length: 25 }, () => 1 - random() ** 3)
      const sorted = [...rates].sort((a, b) => a - b)
      const { p50 = 0, width = 0 } = estimateOf(clean([10, ...rates])) ?? {}
      const truth = 1 - 0.5 ** 3
      const [low = 0, high = 0] = [sorted[7], sorted[17]]
      if (Math.abs(high - low - width * p50) < 1e-9 && low <= truth && truth <= high) held++
    }
    expect(held / SERIES).toBeGreaterThan(0.92)
  })
})

describe('the flags of a run', () => {
  test('tell what the board said before or after it', () => {
    const quiet = { throttled: false, underVoltage: false, frequencyHz: 1.5e9 }
    const flags = (before: object, after: object) =>
      runFlags({
        before: { ...quiet, ...before },
        after: { ...quiet, ...after },
        frequencyHzBest: 1.5e9,
      })
    expect(flags({}, {})).toEqual([])
    expect(flags({ throttled: true }, {})).toEqual(['board was throttled'])
    expect(flags({}, { underVoltage: true })).toEqual(['supply too low'])
    expect(flags({}, { frequencyHz: 1.2e9 })).toEqual(['clock of the core fell'])
    // The governor raises the clock of an idle core when the run begins.
    expect(flags({ frequencyHz: 6e8 }, {})).toEqual([])
    expect(runFlags({ before: {}, after: {}, frequencyHzBest: 0 })).toEqual([])
  })

  test('the worst of all conditions stands over the whole measurement', () => {
    const worst = worstOf([
      { temperatureCelsius: 60, frequencyHz: 1.5e9, throttled: false },
      { temperatureCelsius: 71, frequencyHz: 1.2e9, throttled: true },
      {},
    ])
    expect(worst).toEqual({ temperatureCelsius: 71, frequencyHz: 1.2e9, throttled: true })
    expect(worstOf([])).toEqual({})
  })
})
