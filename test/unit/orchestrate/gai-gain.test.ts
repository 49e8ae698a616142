import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  dataCorrelation,
  effectiveSamplesOf,
  gaiGain,
  learningShare,
} from '../../../controller/orchestrate/gai-gain.ts'

const counts = fc.array(fc.nat({ max: 50 }), { minLength: 6, maxLength: 6 })
const share = fc.double({ min: 0, max: 1, noNaN: true })
const workload = fc.nat({ max: 100_000 })
const SMOOTHING = 0.05

const correlationOf = (p: readonly number[], q: readonly number[]) =>
  dataCorrelation({ counts: [...p] }, { counts: [...q] }, SMOOTHING)
const gainOf = (o: { correlation: number; workload: number }) =>
  gaiGain({ value: 0.8, effectiveSamples: 50, exponent: 0.35, ...o })

describe('data correlation', () => {
  test('it is 1 with itself, and also in other amounts once smoothing is small beside them', () => {
    fc.assert(
      fc.property(counts, p => {
        expect(correlationOf(p, p)).toBe(1)
      }),
    )
    expect(correlationOf([3000, 1000, 0], [6000, 2000, 0])).toBeGreaterThan(0.99)
  })

  test('it is symmetric and lies in [0, 1]', () => {
    fc.assert(
      fc.property(counts, counts, (p, q) => {
        expect(correlationOf(p, q)).toBeCloseTo(correlationOf(q, p), 12)
        expect(correlationOf(p, q)).toBeGreaterThanOrEqual(0)
        expect(correlationOf(p, q)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('the order of the bins does not matter', () => {
    fc.assert(
      fc.property(counts, counts, (p, q) => {
        const turned = correlationOf([...p].reverse(), [...q].reverse())
        expect(turned).toBeCloseTo(correlationOf(p, q), 12)
      }),
    )
  })

  test('the root of the divergence obeys the triangle inequality', () => {
    fc.assert(
      fc.property(counts, counts, counts, (p, q, r) => {
        const distance = (a: readonly number[], b: readonly number[]) => 1 - correlationOf(a, b)
        expect(distance(p, r)).toBeLessThanOrEqual(distance(p, q) + distance(q, r) + 1e-9)
      }),
    )
  })

  test('it equals a value worked out by hand', () => {
    // P = (1, 0), Q = (1/2, 1/2): JSD = H(3/4, 1/4) - 1/2 = 0.811278 - 0.5
    const correlation = dataCorrelation({ counts: [4, 0] }, { counts: [2, 2] }, 0)
    expect(correlation).toBeCloseTo(1 - Math.sqrt(0.8112781245 - 0.5), 9)
  })

  test('data without a common byte do not correlate', () => {
    expect(dataCorrelation({ counts: [5, 0] }, { counts: [0, 5] }, 0)).toBe(0)
    expect(correlationOf([500, 0], [0, 500])).toBeLessThan(0.02)
  })

  test('a sketch without samples stands for no preference', () => {
    expect(correlationOf([0, 0, 0], [10, 10, 10])).toBe(1)
    expect(() => dataCorrelation({ counts: [0] }, { counts: [1] }, 0)).toThrow(RangeError)
  })

  test('sketches of unlike bins are refused', () => {
    expect(() => correlationOf([1, 2], [1, 2, 3])).toThrow('2 bins against 3')
  })
})

describe('GAI gain', () => {
  test('it is 0 without a sample, never negative and below the value of the model', () => {
    fc.assert(
      fc.property(share, workload, (correlation, samples) => {
        expect(gainOf({ correlation, workload: 0 })).toBeCloseTo(0, 15)
        expect(gainOf({ correlation, workload: samples })).toBeGreaterThanOrEqual(0)
        expect(gainOf({ correlation, workload: samples })).toBeLessThan(0.8)
      }),
    )
  })

  test('it does not fall with workload or correlation', () => {
    fc.assert(
      fc.property(share, share, workload, workload, (chi, chiMore, samples, more) => {
        const [low, high] = [Math.min(chi, chiMore), Math.max(chi, chiMore)]
        const gain = gainOf({ correlation: low, workload: samples })
        expect(gainOf({ correlation: low, workload: samples + more })).toBeGreaterThanOrEqual(gain)
        expect(gainOf({ correlation: high, workload: samples })).toBeGreaterThanOrEqual(gain)
      }),
    )
  })

  test('it is concave in the workload', () => {
    fc.assert(
      fc.property(share, workload, workload, (correlation, a, b) => {
        const middle = gainOf({ correlation, workload: (a + b) / 2 })
        const ends = gainOf({ correlation, workload: a }) + gainOf({ correlation, workload: b })
        expect(middle).toBeGreaterThanOrEqual(ends / 2 - 1e-12)
      }),
    )
  })

  test('it is the share of the reducible loss that a power law loses', () => {
    const loss = (samples: number) => 1.3 + 4 * samples ** -0.35
    const removed = (loss(50) - loss(50 + 120)) / (loss(50) - 1.3)
    expect(learningShare({ workload: 120, effectiveSamples: 50, exponent: 0.35 })).toBeCloseTo(
      removed,
      12,
    )
  })

  test('a model that has absorbed more gains less from the same samples', () => {
    const gainAfter = (absorbed: number) =>
      learningShare({
        workload: 100,
        effectiveSamples: effectiveSamplesOf(50, absorbed),
        exponent: 0.35,
      })
    expect(gainAfter(0)).toBeGreaterThan(gainAfter(100))
    expect(gainAfter(100)).toBeGreaterThan(gainAfter(10_000))
    expect(gainAfter(1e12)).toBeGreaterThan(0)
  })

  test('absorbing in two rounds removes as much of the loss as in one', () => {
    const kept = (effectiveSamples: number, samples: number) =>
      1 - learningShare({ workload: samples, effectiveSamples, exponent: 0.35 })
    expect(kept(50, 70) * kept(50 + 70, 30)).toBeCloseTo(kept(50, 100), 12)
  })
})
