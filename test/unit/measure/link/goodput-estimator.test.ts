import { describe, expect, test } from 'vitest'
import { GoodputEstimator, steadyFrom } from '../../../../agent/measure/link/goodput-estimator.ts'
import { seededRandom } from '../../../../runtime/seeded-random.ts'

const MSS = 1448

/** Arrivals of segments at `rateAt` bit/s, seen by a receiver that wakes up when it likes. */
function received(o: {
  readonly rateAt: (ms: number) => number
  readonly durationMs: number
  readonly wakeUpAt?: (ms: number) => number
  /** Let through at once by a full token bucket. */
  readonly burstBytes?: number
}): GoodputEstimator {
  const estimator = new GoodputEstimator()
  estimator.add(0, 0)
  const { wakeUpAt = ms => ms, burstBytes = 0 } = o
  let [atMs, bytesTotal] = [0, burstBytes]
  if (burstBytes > 0) estimator.add(1, bytesTotal)
  for (; atMs < o.durationMs; bytesTotal += MSS) {
    estimator.add(wakeUpAt(atMs), bytesTotal)
    atMs += (MSS * 8000) / o.rateAt(atMs)
  }
  return estimator
}

function errorOf(estimator: GoodputEstimator, truth: number): number {
  return Math.abs((estimator.estimate()?.bitsPerSecond ?? Number.NaN) / truth - 1)
}

describe('the goodput of arrivals', () => {
  test.each([1e6, 10e6, 100e6, 300e6])('at a steady %d bit/s is that rate', rate => {
    const estimator = received({ rateAt: () => rate, durationMs: 1500 })
    expect(errorOf(estimator, rate)).toBeLessThan(0.01)
    expect(estimator.estimate()?.ciShare).toBeLessThan(0.03)
  })

  test('leaves out the burst of a full token bucket', () => {
    const estimator = received({ rateAt: () => 10e6, durationMs: 1500, burstBytes: 500_000 })
    expect(errorOf(estimator, 10e6)).toBeLessThan(0.02)
    expect(estimator.estimate()?.discardedMs).toBeGreaterThan(0)
  })

  test('leaves out a slow start of ten round trips of 100 ms', () => {
    const rateAt = (ms: number) => Math.min(100e6, 1e6 * 2 ** (ms / 100))
    const estimator = received({ rateAt, durationMs: 2000 })
    expect(errorOf(estimator, 100e6)).toBeLessThan(0.02)
    expect(estimator.estimate()?.discardedMs).toBeGreaterThan(500)
  })

  test('is not moved by one late wake-up of the receiver', () => {
    const wakeUpAt = (ms: number) => (ms > 700 && ms < 820 ? 820 : ms)
    const estimator = received({ rateAt: () => 20e6, durationMs: 1500, wakeUpAt })
    expect(errorOf(estimator, 20e6)).toBeLessThan(0.03)
  })

  test('is told as uncertain while the rate goes up and down', () => {
    const seed = 7
    const random = seededRandom(seed)
    const rates = Array.from({ length: 40 }, () => 2e6 + 30e6 * random())
    const rateAt = (ms: number) => rates[Math.floor(ms / 50)] ?? 10e6
    const estimate = received({ rateAt, durationMs: 2000 }).estimate()
    expect(estimate?.ciShare, `seed ${seed}`).toBeGreaterThan(0.05)
  })

  test('is unknown, and not 0, where no time passed or nothing came', () => {
    const nothing = new GoodputEstimator()
    expect(nothing.estimate()).toBeUndefined()
    nothing.add(5, 0)
    nothing.add(5, 100_000)
    expect(nothing.estimate()).toBeUndefined()
    const silent = new GoodputEstimator()
    silent.add(0, 0)
    silent.add(1000, 0)
    expect(silent.estimate()).toBeUndefined()
  })

  test('does not follow a clock or a counter that steps back', () => {
    const estimator = received({ rateAt: () => 10e6, durationMs: 1500 })
    const before = estimator.estimate()
    estimator.add(-1e12, 5e9)
    estimator.add(1e12, 0)
    expect(estimator.estimate()).toEqual(before)
  })
})

test('a steady series is kept whole, and at least a third of any', () => {
  expect(steadyFrom([])).toBe(0)
  expect(steadyFrom([5, 5, 5, 5, 5, 5])).toBe(0)
  expect(steadyFrom([0, 0, 5, 5, 5, 5, 5, 5])).toBe(2)
  const growing = Array.from({ length: 100 }, (_, index) => index)
  expect(steadyFrom(growing)).toBeLessThanOrEqual(65)
})
