import { describe, expect, test } from 'vitest'
import type { SampleFormatName } from '../../../agent/radio/sample-formats.ts'
import { FALSE_ALARM } from '../../../agent/radio/spectrum/occupancy.ts'
import { FFT_POINTS } from '../../../agent/radio/spectrum/spectrum-plan.ts'
import {
  type SpectrumRound,
  SpectrumRounds,
} from '../../../agent/radio/spectrum/spectrum-rounds.ts'
import { cellOf } from '../../../protocol/matrix.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { asBytes, asCu8, iqSignal } from '../../support/iq-signal.ts'

const RATE = 1_024_000
const BLOCKS = 16
/** 40 transforms. */
const SLOT_MS = 20
const SLOT_SAMPLES = 20_480

function measured(
  bytes: Uint8Array,
  { format = 'cf32', slots }: { format?: SampleFormatName; slots: number },
): SpectrumRound {
  const found: SpectrumRound[] = []
  const plan = { format, rateHz: RATE, blocks: BLOCKS, slots, slotMs: SLOT_MS }
  const rounds = new SpectrumRounds(plan, round => found.push(round))
  // Cut where nothing ends.
  for (let at = 0; at < bytes.length; at += 10_007) rounds.push(bytes.subarray(at, at + 10_007))
  rounds.finish()
  const [round] = found
  if (!round) throw new Error('there was no round')
  return round
}

function occupancyOf({ availability }: SpectrumRound, block: number): number[] {
  return Array.from(
    { length: availability.rows },
    (_, slot) => 1 - cellOf(availability, slot, block),
  )
}

function meanOccupancy({ availability: { values } }: SpectrumRound): number {
  return 1 - values.reduce((sum, value) => sum + value, 0) / values.length
}

describe('noise alone', () => {
  const signal = iqSignal(24 * SLOT_SAMPLES, { random: seededRandom(7), noisePower: 1e-3 })

  test.each([
    ['cf32', asBytes(signal)],
    ['cu8', asCu8(signal)],
  ] as const)('%s is taken for a signal about as rarely as stated', (format, bytes) => {
    const occupancy = meanOccupancy(measured(bytes, { format, slots: 24 }))
    expect(occupancy).toBeGreaterThan(FALSE_ALARM / 4)
    expect(occupancy).toBeLessThan(FALSE_ALARM * 4)
  })

  test('is the floor, in every block the same', () => {
    const { floor } = measured(asBytes(signal), { slots: 24 })
    for (const power of floor) {
      expect((power * BLOCKS) / 1e-3).toBeGreaterThan(0.8)
      expect((power * BLOCKS) / 1e-3).toBeLessThan(1.1)
    }
  })

  test('that the receiver adds an offset to is no signal', () => {
    const random = seededRandom(8)
    const shifted = iqSignal(6 * SLOT_SAMPLES, { random, noisePower: 1e-3, offset: 0.1 })
    expect(meanOccupancy(measured(asBytes(shifted), { slots: 6 }))).toBeLessThan(FALSE_ALARM * 5)
  })
})

describe('a tone', () => {
  /** In the middle of block 11 of 16: they begin at -8/16 of the rate. */
  const frequency = (11 + 0.5) / BLOCKS - 0.5

  test('is in its block and its slots, and nowhere else', () => {
    const random = seededRandom(9)
    const tones = [{ frequency, power: 2e-3, from: 2 * SLOT_SAMPLES, to: 3.5 * SLOT_SAMPLES }]
    const round = measured(
      asBytes(iqSignal(6 * SLOT_SAMPLES, { random, noisePower: 1e-3, tones })),
      { slots: 6 },
    )
    const [before, , full, half, after] = occupancyOf(round, 11)
    expect(before).toBeLessThan(0.05)
    expect(full).toBe(1)
    expect(half).toBeCloseTo(0.5, 1)
    expect(after).toBeLessThan(0.05)
    for (const block of [3, 9, 10, 12, 13]) {
      for (const share of occupancyOf(round, block)) expect(share).toBeLessThan(0.08)
    }
  })

  test('that never pauses does not pass for the floor', () => {
    const tones = [{ frequency, power: 1e-2 }]
    const signal = iqSignal(4 * SLOT_SAMPLES, { random: seededRandom(3), noisePower: 1e-3, tones })
    const round = measured(asBytes(signal), { slots: 4 })
    expect(occupancyOf(round, 11)).toEqual([1, 1, 1, 1])
    expect(occupancyOf(round, 4).every(share => share < 0.08)).toBe(true)
  })
})

describe('what is not heard', () => {
  const cu8 = (slots: number): Uint8Array =>
    asCu8(iqSignal(slots * SLOT_SAMPLES, { random: seededRandom(5), noisePower: 1e-3 }))
  const plan = {
    format: 'cu8',
    rateHz: RATE,
    blocks: BLOCKS,
    slots: 3,
    slotMs: SLOT_MS,
  } as const

  test('leaves the slots after it where they were, and promises nothing', () => {
    const found: SpectrumRound[] = []
    const rounds = new SpectrumRounds(plan, round => found.push(round))
    const bytes = cu8(2)
    rounds.push(bytes.subarray(0, SLOT_SAMPLES))
    // Half of the first slot, the whole second one.
    rounds.skip(3 * SLOT_SAMPLES)
    rounds.push(bytes.subarray(0, 2 * SLOT_SAMPLES))
    expect(found).toHaveLength(1)
    expect([...(found[0]?.heard ?? [])]).toEqual([0.5, 0, 1])
    const { availability } = found[0] as SpectrumRound
    expect(cellOf(availability, 1, 4)).toBe(0)
    expect(cellOf(availability, 2, 4)).toBeGreaterThan(0.9)
  })

  test('of floats that are no numbers is counted', () => {
    const signal = iqSignal(3 * SLOT_SAMPLES, { random: seededRandom(5), noisePower: 1e-3 })
    signal[100] = Number.NaN
    const round = measured(asBytes(signal), { slots: 3 })
    expect(round.notNumbers).toBe(1)
    expect(round.heard[0]).toBeCloseTo(1 - FFT_POINTS / SLOT_SAMPLES, 5)
  })

  test('as all samples are zero is free: there is nothing', () => {
    const round = measured(new Uint8Array(3 * SLOT_SAMPLES * 8), { slots: 3 })
    expect(round.availability.values.every(value => value === 1)).toBe(true)
  })
})

test.each([
  [{ slotMs: 1 }, 'too short'],
  [{ slotMs: 3_600_000 }, 'too long'],
  [{ blocks: 12 }, 'no power of two'],
  [{ blocks: 128 }, 'no power of two up to 64'],
])('a plan with %o is refused', (wrong, words) => {
  const plan = { format: 'cu8', rateHz: RATE, blocks: BLOCKS, slots: 3, slotMs: SLOT_MS } as const
  expect(() => new SpectrumRounds({ ...plan, ...wrong }, () => undefined)).toThrow(words)
})
