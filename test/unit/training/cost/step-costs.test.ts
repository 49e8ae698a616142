import { describe, expect, test } from 'vitest'
import { seededRandom, standardNormal } from '../../../../runtime/seeded-random.ts'
import { nonNegativeLeastSquares } from '../../../../training/cost/non-negative-least-squares.ts'
import { wallTimeUnder } from '../../../../training/cost/quota-time.ts'
import { StepCorrection } from '../../../../training/cost/step-correction.ts'
import {
  fitStepCosts,
  predictSeconds,
  predictStepSeconds,
  type StepCosts,
} from '../../../../training/cost/step-costs.ts'
import { NO_WORK, WORK_KINDS, type WorkCounts } from '../../../../training/cost/work-counts.ts'

const COSTS: StepCosts = {
  flops: 1e-11,
  columnBytes: 1e-10,
  sweptBytes: 2e-11,
  largeBytes: 5e-11,
  movedBytes: 6e-11,
  operators: 4e-7,
  farOperators: 3e-7,
  stateBytes: 1e-9,
}

/** Work of kernels that are large and small in all kinds, from a seed. */
function randomWork(random: () => number): WorkCounts {
  const sizes = { ...NO_WORK }
  const entries = WORK_KINDS.map(kind => [kind, (random() ** 3 * 1e-3) / COSTS[kind]])
  return { ...sizes, ...Object.fromEntries(entries) }
}

describe('non-negative least squares', () => {
  test('finds the coefficients that made the rows, whatever their units', () => {
    const random = seededRandom(4)
    const truth = [3, 0, 2e-9, 5e6]
    const rows = Array.from({ length: 12 }, () => [
      random(),
      random(),
      random() * 1e9,
      random() * 1e-6,
    ])
    const targets = rows.map(row =>
      row.reduce((sum, value, index) => sum + value * (truth[index] ?? 0), 0),
    )
    for (const [index, value] of nonNegativeLeastSquares(rows, targets).entries()) {
      expect(Math.abs(value - (truth[index] ?? 0))).toBeLessThanOrEqual(1e-5 * (truth[index] || 1))
    }
  })

  test('leaves at zero what would be best below it', () => {
    // y = a − b has its least distance without b at a = 1.
    expect(
      nonNegativeLeastSquares(
        [
          [1, 0],
          [0, 1],
        ],
        [1, -1],
      ),
    ).toEqual([1, 0])
    const [a = 0, b = 1] = nonNegativeLeastSquares(
      [
        [1, 1],
        [1, 2],
        [1, 3],
      ],
      [3, 2, 1],
    )
    expect(b).toBe(0)
    expect(a).toBeCloseTo(2, 9)
  })

  test('takes a column of zeros and no rows at all', () => {
    expect(nonNegativeLeastSquares([[2, 0]], [4])).toEqual([2, 0])
    expect(nonNegativeLeastSquares([], [])).toEqual([])
  })
})

describe('the cost model', () => {
  test('is recovered from what kernels took, and predicts others', () => {
    const random = seededRandom(5)
    const samples = Array.from({ length: 24 }, () => {
      const work = randomWork(random)
      return { work, cpuSeconds: predictSeconds(work, COSTS), weight: 1 + random() }
    })
    const { costs, errors } = fitStepCosts(samples)
    for (const error of errors) expect(Math.abs(error)).toBeLessThan(1e-4)
    for (const kind of WORK_KINDS) expect(costs[kind] / COSTS[kind]).toBeCloseTo(1, 2)
  })

  test('stays near with samples that are off by a tenth', () => {
    const random = seededRandom(6)
    const samples = Array.from({ length: 60 }, () => {
      const work = randomWork(random)
      const noise = Math.exp(0.1 * standardNormal(random))
      return { work, cpuSeconds: predictSeconds(work, COSTS) * noise, weight: 1 }
    })
    const { costs } = fitStepCosts(samples)
    const other = randomWork(random)
    expect(predictSeconds(other, costs) / predictSeconds(other, COSTS)).toBeCloseTo(1, 0)
    for (const kind of WORK_KINDS) expect(costs[kind]).toBeGreaterThanOrEqual(0)
  })

  test('gives a step its part of what a run takes besides', () => {
    // 4 ms of steps, 20 of which fit into a run, and 2 ms for the states of a run.
    const work = { step: { ...NO_WORK, operators: 1e4 }, run: { ...NO_WORK, stateBytes: 2e6 } }
    expect(predictStepSeconds(work, COSTS)).toBeCloseTo(4e-3 + 2e-3 / 20, 12)
    // A quarter of a core leaves five of them in a run of the same length.
    expect(predictStepSeconds(work, COSTS, { share: 0.25 })).toBeCloseTo(4e-3 + 2e-3 / 5, 12)
    // More than a core is of no use to one thread.
    expect(predictStepSeconds(work, COSTS, { share: 2 })).toBeCloseTo(4e-3 + 2e-3 / 20, 12)
    const slow = { ...work, step: { ...NO_WORK, operators: 1e6 } }
    expect(predictStepSeconds(slow, COSTS)).toBeCloseTo(0.4 + 2e-3, 12)
  })
})

describe('wall time under a quota', () => {
  test('is CPU time over the share in the long run', () => {
    expect(wallTimeUnder(0.5, { cores: 0.25 }).meanSeconds).toBeCloseTo(2, 12)
    expect(wallTimeUnder(0.5, { cores: 0.5 }).meanSeconds).toBeCloseTo(1, 12)
  })

  test('is CPU time where the quota is a core or more', () => {
    const whole = { meanSeconds: 0.5, lowSeconds: 0.5, highSeconds: 0.5 }
    expect(wallTimeUnder(0.5, { cores: 1 })).toEqual(whole)
    expect(wallTimeUnder(0.5, { cores: 2 })).toEqual(whole)
  })

  test('of less than a quota is at full speed, or after almost a period', () => {
    // 25 ms of each 100 ms.
    const { lowSeconds, highSeconds } = wallTimeUnder(0.01, { cores: 0.25 })
    expect([lowSeconds, highSeconds]).toEqual([0.01, expect.closeTo(0.085, 12)])
  })

  test('grows by a pause with each quota that is used up', () => {
    const low = (cpuSeconds: number) => wallTimeUnder(cpuSeconds, { cores: 0.25 }).lowSeconds
    expect(low(0.025)).toBeCloseTo(0.025, 12)
    expect(low(0.026)).toBeCloseTo(0.026 + 0.075, 12)
    expect(low(0.075)).toBeCloseTo(0.075 + 0.15, 12)
  })

  test('goes by another period where there is one', () => {
    const { highSeconds } = wallTimeUnder(0.001, { cores: 0.5, periodSeconds: 0.01 })
    expect(highSeconds).toBeCloseTo(0.006, 12)
  })
})

describe('the correction by real steps', () => {
  test('is unknown before the first run', () => {
    expect(new StepCorrection().current).toBeUndefined()
  })

  test('is the median of real over predicted, with its spread, and one odd run does not move it', () => {
    const correction = new StepCorrection()
    for (const real of [1.2, 1.2, 1.2, 40, 1.2, 1.2]) correction.learn({ real, predicted: 1 })
    expect(correction.current?.factor).toBeCloseTo(1.2, 9)
    expect(correction.current).toMatchObject({ n: 6 })
    expect(correction.current?.spread).toBeLessThan(0.01)
  })

  test('follows a board that has become slower', () => {
    const correction = new StepCorrection()
    for (let run = 0; run < 10; run++) correction.learn({ real: 1, predicted: 1 })
    for (let run = 0; run < 5; run++) correction.learn({ real: 2, predicted: 1 })
    expect(correction.current?.factor).toBeCloseTo(2, 9)
  })

  test('does not learn from figures that cannot be', () => {
    const correction = new StepCorrection()
    for (const real of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e9]) {
      correction.learn({ real, predicted: 1 })
    }
    correction.learn({ real: 1, predicted: 0 })
    expect(correction.current).toBeUndefined()
  })
})
