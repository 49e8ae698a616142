import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  fillStandardNormal,
  seededRandom,
  shuffle,
  standardNormal,
} from '../../../runtime/seeded-random.ts'

const DRAWS = 20_000

function draws(seed: number, count = DRAWS): number[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, random)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

describe('seeded random', () => {
  test('the same seed gives the same numbers on every machine', () => {
    expect(draws(7, 3)).toEqual(draws(7, 3))
    // From the reference code of sfc32 and splitmix32: a change would change every run on record.
    const reference = [1930539107, 2003999907, 2883482671]
    expect(draws(1, 3).map(value => value * 2 ** 32)).toEqual(reference)
  })

  test('numbers lie in [0, 1) and fill it evenly', () => {
    fc.assert(
      fc.property(fc.integer(), seed => {
        const bins = new Array<number>(10).fill(0)
        for (const value of draws(seed, 2000)) {
          expect(value).toBeGreaterThanOrEqual(0)
          expect(value).toBeLessThan(1)
          const bin = Math.floor(value * 10)
          bins[bin] = (bins[bin] ?? 0) + 1
        }
        // Chi-square with 9 degrees of freedom: above 50 once in 10^7.
        const chiSquare = bins.reduce((sum, count) => sum + (count - 200) ** 2 / 200, 0)
        expect(chiSquare).toBeLessThan(50)
      }),
      { numRuns: 30 },
    )
  })

  test('an array is filled with normal numbers, to its end and not beyond', () => {
    const held = new Float32Array(DRAWS + 1).fill(9)
    const values = Array.from(fillStandardNormal(held.subarray(0, DRAWS - 1), seededRandom(8)))
    expect(Array.from(held.subarray(DRAWS - 1))).toEqual([9, 9])
    // Six standard deviations of each mean.
    expect(Math.abs(mean(values))).toBeLessThan(6 / Math.sqrt(DRAWS))
    const squares = values.map(value => value ** 2)
    expect(Math.abs(mean(squares) - 1)).toBeLessThan(6 * Math.sqrt(2 / DRAWS))
    // The two of a pair are strangers to each other.
    const products = values.map((value, index) => value * (values[index + 1] ?? 0))
    expect(Math.abs(mean(products))).toBeLessThan(6 / Math.sqrt(DRAWS))
  })

  test('neighbouring seeds are strangers to each other', () => {
    const [one, other] = [draws(4), draws(5)]
    const product = mean(one.map((value, index) => (value - 0.5) * ((other[index] ?? 0) - 0.5)))
    // The variance of a uniform number is 1/12; six standard deviations of the mean.
    expect(Math.abs(product)).toBeLessThan(6 / 12 / Math.sqrt(DRAWS))
    const firsts = Array.from({ length: 5000 }, (_, seed) => seededRandom(seed)())
    expect(Math.abs(mean(firsts) - 0.5)).toBeLessThan(6 * Math.sqrt(1 / 12 / 5000))
  })

  test('normal numbers have the mean, the spread and the tails of the normal distribution', () => {
    const random = seededRandom(3)
    const values = Array.from({ length: DRAWS }, () => standardNormal(random))
    expect(Math.abs(mean(values))).toBeLessThan(6 / Math.sqrt(DRAWS))
    expect(mean(values.map(value => value ** 2))).toBeCloseTo(1, 1)
    const within = values.filter(value => Math.abs(value) < 1).length / DRAWS
    expect(within).toBeCloseTo(0.6827, 1)
    expect(values.every(Number.isFinite)).toBe(true)
  })

  test('a shuffle keeps every item and makes every order equally likely', () => {
    const counts = new Map<string, number>()
    const random = seededRandom(11)
    for (let run = 0; run < 6000; run++) {
      const items = ['a', 'b', 'c']
      shuffle(items, random)
      counts.set(items.join(''), (counts.get(items.join('')) ?? 0) + 1)
    }
    expect([...counts.keys()].sort()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba'])
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(180)
    const rows = Int32Array.from([1, 2, 3, 4])
    shuffle(rows, random)
    expect([...rows].sort()).toEqual([1, 2, 3, 4])
  })
})
