import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RowAccount } from '../../../../agent/urp/forecast/row-account.ts'
import { slotSeason } from '../../../../agent/urp/forecast/slot-season.ts'
import { RowForecast } from '../../../../protocol/urp.ts'
import { seededRandom, standardNormal } from '../../../../runtime/seeded-random.ts'

const SEED = 20_260_102
const SLOTS = 10
const QUARTER = { slots: SLOTS, roundsMax: 16, quantile: 0.25 }

type Load = (slot: number) => number

/**
 * What an agent promises, round after round: the URP of a round leaves before the last slot of the
 * round before is over.
 */
function promises(load: Load, rounds: number) {
  const account = new RowAccount(QUARTER)
  return Array.from({ length: rounds }, (_, crId) => {
    const slots = Array.from({ length: SLOTS }, (_, slot) => load(crId * SLOTS + slot))
    const current = slots.with(SLOTS - 1, Number.NaN)
    const promised = account.forecast(crId + 1, current) ?? []
    account.observe(crId, slots)
    const came = slots.map((_, slot) => load((crId + 1) * SLOTS + slot))
    return { forCr: crId + 1, promised, came, figures: account.figures('cpu0') }
  })
}

function noisy(load: Load, length: number): Load {
  const random = seededRandom(SEED)
  const noise = Array.from({ length }, () => 0.03 * standardNormal(random))
  return slot => Math.min(1, Math.max(0, load(slot) + (noise[slot] ?? 0)))
}

describe('what is promised for the slots of a row', () => {
  test.each([
    { name: 'seven slots', isBusy: (slot: number) => slot % 7 < 3 },
    { name: 'half a round', isBusy: (slot: number) => slot % 5 < 2 },
    { name: 'three rounds', isBusy: (slot: number) => Math.floor(slot / SLOTS) % 3 === 0 },
    { name: 'a round', isBusy: (slot: number) => slot % SLOTS === 4 },
  ])('shows a background load that comes and goes every $name', ({ isBusy }) => {
    const load = noisy(slot => (isBusy(slot) ? 0.2 : 0.9), 500)
    for (const { promised, came } of promises(load, 40).slice(20)) {
      for (const [slot, share] of came.entries()) {
        const isFree = share > 0.6
        expect((promised[slot] ?? 0) > 0.6, `slot ${slot}, seed ${SEED}`).toBe(isFree)
      }
    }
  })

  test.each([
    { name: 'steady', from: 0.9, to: 0.3, noise: false },
    { name: 'steady', from: 0.3, to: 0.9, noise: false },
    { name: 'noisy', from: 0.9, to: 0.3, noise: true },
    { name: 'noisy', from: 0.3, to: 0.9, noise: true },
  ])('takes up a step from $from to $to of a $name row within two rounds', options => {
    const { from, to, noise } = options
    const step: Load = slot => (slot < 20 * SLOTS ? from : to)
    // Rounds 20 and 21 have the new level; what is promised for the next one was sent in the second.
    const all = promises(noise ? noisy(step, 500) : step, 30)
    const after = all.find(({ forCr }) => forCr === 22)
    for (const share of after?.promised ?? [Number.NaN]) {
      expect(Math.abs(share - to), `seed ${SEED}`).toBeLessThan(0.1)
    }
  })

  test('is kept in about three slots of four where a quarter is the quantile', () => {
    const random = seededRandom(SEED)
    const level = Array.from({ length: 6000 }, () => 0.6 + 0.1 * standardNormal(random))
    const kept = promises(slot => level[slot] ?? 0.6, 590)
      .slice(20)
      .flatMap(({ promised, came }) => came.map((share, slot) => share >= (promised[slot] ?? 1)))
    const share = kept.filter(Boolean).length / kept.length
    expect(share, `seed ${SEED}`).toBeGreaterThan(0.7)
    expect(share, `seed ${SEED}`).toBeLessThan(0.8)
  })

  test('lies between the least and the most that was measured, whatever was', () => {
    const slot = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(Number.NaN))
    const heard = fc.array(fc.array(slot, { minLength: 4, maxLength: 4 }), { maxLength: 20 })
    fc.assert(
      fc.property(heard, rounds => {
        const account = new RowAccount({ slots: 4, roundsMax: 8, quantile: 0.25 })
        for (const [crId, slots] of rounds.entries()) {
          account.observe(crId, slots)
          const promised = account.forecast(crId + 1)
          const known = rounds
            .slice(0, crId + 1)
            .flat()
            .filter(value => !Number.isNaN(value))
          for (const share of promised ?? []) {
            expect(share).toBeGreaterThanOrEqual(Math.min(...known))
            expect(share).toBeLessThanOrEqual(Math.max(...known))
          }
        }
      }),
      { seed: SEED },
    )
  })

  test('is none where the rounds that count were not measured', () => {
    const account = new RowAccount({ slots: 2, roundsMax: 2, quantile: 0.25 })
    account.observe(0, [0.5, 0.5])
    expect(account.forecast(1)).toEqual([0.5, 0.5])
    for (const crId of [1, 2, 3]) account.observe(crId, [Number.NaN, Number.NaN])
    expect(account.forecast(4)).toBeNull()
  })

  test('is told of in the document, with how often it was kept', () => {
    const [last] = promises(() => 0.5, 12).slice(-1)
    expect(last?.figures).toMatchObject({ promise: 'recent quantile', promiseKept: 1, n: 11 })
    expect(RowForecast.parse(last?.figures)).toEqual(last?.figures)
  })
})

describe('the season of slots', () => {
  test('is the shortest that repeats, across rounds that it does not fit', () => {
    const at = (slot: number) => [1, 5, 2][slot % 3] ?? 0
    const rounds = [0, 1, 2, 3].map(round => [0, 1, 2, 3].map(slot => at(round * 4 + slot)))
    expect(slotSeason(rounds, 4)).toEqual([16, 17, 18, 19].map(at))
  })

  test('is none where too little is known', () => {
    expect(slotSeason([[1, 2, 1]], 3)).toBeNull()
    expect(slotSeason([Array(8).fill(Number.NaN)], 8)).toBeNull()
  })
})
