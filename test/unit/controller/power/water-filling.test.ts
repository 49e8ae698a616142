import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ChannelRows, sumRate } from '../../../../controller/power/channel-gains.ts'
import {
  averagePower,
  nearestFeasible,
  waterFill,
} from '../../../../controller/power/water-filling.ts'
import { seededRandom } from '../../../../runtime/seeded-random.ts'

const SEED = 11

/** Gains over fourteen orders of magnitude, dead channels among them. */
const gain = fc.oneof(
  fc.constant(0),
  fc.double({ min: 1e-6, max: 1e8, noNaN: true }),
  fc.double({ min: 0.5, max: 8, noNaN: true }),
)
const row = fc.record({
  gains: fc.array(gain, { minLength: 1, maxLength: 24 }),
  budget: fc.double({ min: 1e-3, max: 50, noNaN: true }),
})
const cap = fc.double({ min: 0, max: 2, noNaN: true })
const cappedRow = row.chain(({ gains, budget }) =>
  fc
    .array(cap, { minLength: gains.length, maxLength: gains.length })
    .map(caps => ({ gains, budget, caps })),
)

function rowsOf(o: { gains: number[]; budget: number; caps?: number[] }): ChannelRows {
  const { gains, budget, caps } = o
  return {
    gains: Float64Array.from(gains),
    channels: gains.length,
    budget,
    ...(caps ? { caps: Float64Array.from(caps) } : {}),
  }
}

/** Sum is the budget, or all that the caps hold; none below 0 or above its cap. */
function expectFeasible(powers: Float64Array, { budget, caps, gains }: ChannelRows): void {
  const room = caps ? caps.reduce((sum, one) => sum + one, 0) : Number.POSITIVE_INFINITY
  const sum = powers.reduce((total, one) => total + one, 0)
  expect(sum).toBeCloseTo(Math.min(budget, room), 9)
  expect(powers.length).toBe(gains.length)
  for (const [place, power] of powers.entries()) {
    expect(power).toBeGreaterThanOrEqual(0)
    expect(power).toBeLessThanOrEqual(caps?.[place] ?? budget * (1 + 1e-12))
  }
}

/**
 * The KKT conditions of max Σ log(1 + g p): with w = 1/g + p where power flows, all w below their caps
 * are equal, those at the cap are not above them, and 1/g of the others is not below.
 */
function expectOptimal(powers: Float64Array, { gains, caps, budget }: ChannelRows): void {
  const levels = [...powers].map((power, place) => power + 1 / (gains[place] ?? 0))
  const capOf = (place: number) => caps?.[place] ?? budget
  const isFull = (place: number) => (powers[place] ?? 0) >= capOf(place) * (1 - 1e-9)
  const open = levels.filter((_, place) => (powers[place] ?? 0) > 0 && !isFull(place))
  const full = levels.filter((_, place) => (powers[place] ?? 0) > 0 && isFull(place))
  const dry = levels.filter((_, place) => powers[place] === 0 && capOf(place) > 0)
  const slack = 1 + 1e-9
  const [least, most] = [Math.min(...open, ...dry), Math.max(...open, ...full)]
  if (open.length > 0)
    expect(Math.max(...open)).toBeLessThanOrEqual(Math.min(...open) * slack + 1e-9)
  // A level that only full places reach lies anywhere between them and the dry ones.
  if (full.length > 0 || open.length > 0) expect(most).toBeLessThanOrEqual(least * slack + 1e-9)
}

describe('water-filling', () => {
  test('satisfies the KKT conditions', () => {
    fc.assert(
      fc.property(row, given => {
        const rows = rowsOf(given)
        const powers = waterFill(rows)
        expectFeasible(powers, rows)
        if (given.gains.some(one => one > 0)) expectOptimal(powers, rows)
      }),
      { seed: SEED, numRuns: 400 },
    )
  })

  test('satisfies them below per-channel caps', () => {
    fc.assert(
      fc.property(cappedRow, given => {
        const rows = rowsOf(given)
        const powers = waterFill(rows)
        const live = given.caps.filter((_, place) => (given.gains[place] ?? 0) > 0)
        // Dead channels take nothing: where the live ones are full, the rest of the budget is left.
        const room = live.reduce((sum, one) => sum + one, 0)
        const sum = powers.reduce((total, one) => total + one, 0)
        if (live.length === 0) return
        expect(sum).toBeCloseTo(Math.min(given.budget, room), 9)
        expectOptimal(powers, rows)
      }),
      { seed: SEED, numRuns: 400 },
    )
  })

  test('with caps that nobody reaches is that without', () => {
    const random = seededRandom(SEED)
    const gains = Float64Array.from({ length: 200 }, () => 1 + 6 * random())
    const rows = { gains, channels: 20, budget: 0.2 }
    const free = waterFill(rows)
    const capped = waterFill({ ...rows, caps: new Float64Array(200).fill(0.2) })
    for (const [place, power] of free.entries()) expect(capped[place]).toBeCloseTo(power, 12)
  })

  test('beats every other allocation that was drawn', () => {
    const random = seededRandom(SEED)
    const gains = Float64Array.from({ length: 8 }, () => 0.5 + 4 * random())
    const best = sumRate(gains, waterFill({ gains, channels: 8, budget: 1 }))
    for (let draw = 0; draw < 200; draw++) {
      const proposed = Float64Array.from(gains, () => random())
      const powers = nearestFeasible(proposed, { gains, channels: 8, budget: 1 })
      expect(sumRate(gains, powers), `seed ${SEED}`).toBeLessThanOrEqual(best + 1e-12)
    }
  })

  test('is exact where the level lies far below or above the floors', () => {
    const tiny = waterFill({ gains: Float64Array.of(1e-300, 2e-300, 0), channels: 3, budget: 0.2 })
    expect([...tiny]).toEqual([0, 0.2, 0])
    const huge = waterFill({ gains: Float64Array.of(1e300, 2e300, 0), channels: 3, budget: 0.2 })
    expect([...huge]).toEqual([0.1, 0.1, 0])
  })

  test('spreads power evenly where all gains are 0, and none where there is none', () => {
    const dead = { gains: new Float64Array(4), channels: 4, budget: 1 }
    expect([...waterFill(dead)]).toEqual([0.25, 0.25, 0.25, 0.25])
    const gains = Float64Array.of(1, 2, 3, 4)
    expect([...waterFill({ gains, channels: 4, budget: 0 })]).toEqual([0, 0, 0, 0])
  })
})

describe('average allocation and projection', () => {
  test('the even allocation keeps to caps and spends what they leave', () => {
    const caps = Float64Array.of(0.1, 1, 1, 0)
    const powers = averagePower({ gains: new Float64Array(4), channels: 4, budget: 0.9, caps })
    for (const [place, power] of [0.1, 0.4, 0.4, 0].entries()) {
      expect(powers[place]).toBeCloseTo(power, 12)
    }
  })

  test('the projection is feasible whatever is proposed, and leaves feasible proposals alone', () => {
    fc.assert(
      fc.property(cappedRow, fc.infiniteStream(fc.double()), (given, values) => {
        const rows = rowsOf(given)
        const proposed = Float64Array.from(given.gains, () => values.next().value ?? 0)
        const powers = nearestFeasible(proposed, rows)
        expectFeasible(powers, rows)
        const again = nearestFeasible(powers, rows)
        for (const [place, power] of powers.entries()) expect(again[place]).toBeCloseTo(power, 9)
      }),
      { seed: SEED, numRuns: 200 },
    )
  })
})

describe('bad figures are refused with their place', () => {
  const rows = { gains: Float64Array.of(1, 2, 3, 4), channels: 2, budget: 1 }
  test.each([
    ['a gain that is no number', { gains: Float64Array.of(1, Number.NaN) }, /gain at 1 is NaN/],
    ['a negative gain', { gains: Float64Array.of(-1, 2) }, /gain at 0 is -1/],
    ['an infinite gain', { gains: Float64Array.of(1, Number.POSITIVE_INFINITY) }, /Infinity/],
    ['half a row', { gains: Float64Array.of(1, 2, 3) }, /3 gains are no rows of 2/],
    ['no gains', { gains: new Float64Array(0) }, /0 gains/],
    ['a budget below 0', { budget: -1 }, /budget of -1/],
    ['a budget that is no number', { budget: Number.NaN }, /budget of NaN/],
    ['caps for other channels', { caps: Float64Array.of(1) }, /1 caps for 4 gains/],
    ['a negative cap', { caps: Float64Array.of(1, 1, 1, -1) }, /cap at 3 is -1/],
    ['no channels', { channels: 0 }, /0 channels/],
  ])('%s', (_, change, message) => {
    for (const allocate of [waterFill, averagePower]) {
      expect(() => allocate({ ...rows, ...change })).toThrow(message)
    }
  })
})
