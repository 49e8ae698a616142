import { describe, expect, test } from 'vitest'
import { searchedEnergy, searchedWorkload } from '../../../bench/orchestrate/convex-search.ts'
import { drawEnergyPair } from '../../../bench/orchestrate/energy-pairs.ts'
import {
  type EnergyPair,
  energyAwareWorkload,
  leastEnergyPlan,
} from '../../../controller/orchestrate/energy-workload.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'

/** The design's demonstration: 40 sensed samples, a core of 2 GHz. */
const demonstration = (secondsMax: number): EnergyPair => ({
  secondsMax,
  flopsPerSecondMax: 2e9,
  flopsPerSample: 12e6,
  capacitance: 1e-27,
  uploadBits: 0.6e6,
  bandwidthHz: 1.8e6,
  snrPerWatt: 200,
  transmitWattsMax: 0.2,
  sensingJoulesPerSample: 0,
  joulesMax: 9,
  samplesMax: 40,
})

const pairs = Array.from({ length: 25 }, (_, seed) => drawEnergyPair(seededRandom(seed)))

describe('energy-aware workload', () => {
  test('it is what a search over the convex program finds', () => {
    const kinds = { infeasible: 0, sensing: 0, consumption: 0 }
    for (const [seed, pair] of pairs.entries()) {
      const { workload } = energyAwareWorkload(pair)
      expect(workload, `seed ${seed}`).toBeCloseTo(searchedWorkload(pair), 5)
      if (workload === 0) kinds.infeasible++
      else if (workload === pair.samplesMax) kinds.sensing++
      else kinds.consumption++
    }
    for (const count of Object.values(kinds)) expect(count).toBeGreaterThan(0)
  })

  test('its plan keeps time, energy and rate', () => {
    for (const pair of pairs) {
      const plan = energyAwareWorkload(pair)
      expect(plan.computeSeconds + plan.uploadSeconds).toBeLessThanOrEqual(pair.secondsMax + 1e-12)
      expect(plan.joules).toBeLessThanOrEqual(pair.joulesMax * (1 + 1e-9))
      expect(plan.flopsPerSecond).toBeLessThanOrEqual(pair.flopsPerSecondMax * (1 + 1e-12))
    }
  })

  test('more of time, energy, power, rate or bandwidth never lowers it', () => {
    const more = [
      'secondsMax',
      'joulesMax',
      'transmitWattsMax',
      'flopsPerSecondMax',
      'bandwidthHz',
      'samplesMax',
    ] as const
    for (const pair of pairs) {
      const { workload } = energyAwareWorkload(pair)
      for (const key of more) {
        const rich = { ...pair, [key]: pair[key] * 1.3 }
        expect(energyAwareWorkload(rich).workload, key).toBeGreaterThanOrEqual(workload - 1e-9)
      }
    }
  })

  test('without a limit of energy it is the race: full power, full rate', () => {
    const pair = { ...demonstration(0.9), joulesMax: Number.POSITIVE_INFINITY, samplesMax: 1e9 }
    const plan = energyAwareWorkload(pair)
    expect(plan.flopsPerSecond).toBeCloseTo(2e9, 0)
    expect(plan.workload).toBeCloseTo((2e9 * (0.9 - plan.uploadSeconds)) / 12e6, 9)
  })

  test('no time, no power or no energy make it 0 and not NaN', () => {
    const pair = demonstration(0.9)
    for (const poor of [{ secondsMax: 0 }, { transmitWattsMax: 0 }, { joulesMax: 0 }]) {
      expect(energyAwareWorkload({ ...pair, ...poor })).toMatchObject({ workload: 0, joules: 0 })
    }
  })
})

describe('least energy at a workload', () => {
  test('it is what a search finds', () => {
    for (const [seed, pair] of pairs.entries()) {
      const { workload } = energyAwareWorkload({ ...pair, sensingJoulesPerSample: 0 })
      if (workload < 1) continue
      const frugal = { ...pair, sensingJoulesPerSample: 0 }
      const plan = leastEnergyPlan(frugal, workload * 0.7)
      const searched = searchedEnergy(frugal, workload * 0.7)
      expect((plan?.joules ?? 0) / searched, `seed ${seed}`).toBeCloseTo(1, 8)
    }
  })

  test('nine slots become five at the same samples, paid in energy', () => {
    const joulesOf = (seconds: number) => leastEnergyPlan(demonstration(seconds), 40)?.joules
    expect(joulesOf(0.9)).toBeCloseTo(0.17, 3)
    expect(joulesOf(0.7)).toBeCloseTo(0.284, 3)
    expect(joulesOf(0.5)).toBeCloseTo(0.589, 3)
  })

  test('a workload beyond time and rate has no plan', () => {
    expect(leastEnergyPlan(demonstration(0.3), 400)).toBeNull()
  })
})
