import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ControllerConfig } from '../../../config/controller-schema.ts'
import type { Aggregation } from '../../../controller/aggregate/aggregation-rule.ts'
import { aggregationRuleOf } from '../../../controller/aggregate/registry.ts'
import { seededRandom, standardNormal } from '../../../runtime/seeded-random.ts'

const RULES = ControllerConfig.shape.aggregation.unwrap().shape.rule.unwrap().options
type Rule = (typeof RULES)[number]
type Options = Partial<ControllerConfig['aggregation']>

const ruleOf = (rule: Rule, options: Options = {}) =>
  aggregationRuleOf(ControllerConfig.shape.aggregation.parse({ rule, ...options }))

const update = (...parameters: number[]) => ({
  exampleCount: 1,
  parameters: Float32Array.from(parameters),
})

const aggregate = (rule: Rule, rows: readonly number[][], options: Options = {}) =>
  ruleOf(
    rule,
    options,
  )({
    current: new Float32Array(rows[0]?.length ?? 0),
    updates: rows.map(row => update(...row)),
    moments: [],
  })

const rounded = ({ parameters }: Aggregation) =>
  [...parameters].map(value => Number(value.toFixed(5)))

describe('every rule', () => {
  test.each(RULES)('%s gives equal updates back, a step along them or nothing more', rule => {
    const value = fc.float({ min: -4, max: 4, noNaN: true })
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 6 }), fc.nat(4), (row, more) => {
        const rows = Array.from({ length: 5 + more }, () => row)
        const { parameters, leftOut } = aggregate(rule, rows)
        expect(parameters.length).toBe(row.length)
        expect(leftOut.length).toBeLessThan(rows.length)
        if (rule === 'fed-adam' || rule === 'fed-yogi') {
          for (const [at, one] of parameters.entries()) {
            expect(Math.sign(one) * Math.sign(row[at] ?? 0)).toBeGreaterThanOrEqual(0)
          }
        } else
          for (const [at, one] of parameters.entries()) expect(one).toBeCloseTo(row[at] ?? 0, 5)
      }),
    )
  })

  test.each(RULES)('%s does not depend on the order of the updates', rule => {
    const rows = [
      [1, 5],
      [2, 4],
      [3, 3],
      [4, 2.5],
      [5, 0],
      [9, 1],
    ]
    expect(rounded(aggregate(rule, [...rows].reverse()))).toEqual(rounded(aggregate(rule, rows)))
  })
})

describe('rules against liars', () => {
  const HONEST = 9
  const LIARS = 3
  const random = seededRandom(7)
  const honest = Array.from({ length: HONEST }, () =>
    Array.from({ length: 20 }, () => 1 + 0.1 * standardNormal(random)),
  )
  const lies = Array.from({ length: LIARS }, () => Array.from({ length: 20 }, () => -1000))
  const error = (rule: Rule, options: Options) => {
    const { parameters } = aggregate(rule, [...honest, ...lies], options)
    return Math.max(...[...parameters].map(value => Math.abs(value - 1)))
  }

  test.each<[Rule, Options]>([
    ['trimmed-mean', { trimmedShare: 0.25 }],
    ['coordinate-median', {}],
    ['krum', { liarsMax: LIARS }],
    ['multi-krum', { liarsMax: LIARS, kept: 6 }],
    ['geometric-median', {}],
  ])('%s stays with the honest', (rule, options) => {
    expect(error(rule, options)).toBeLessThan(0.4)
    expect(error('fed-avg', {})).toBeGreaterThan(200)
  })

  test('multi-krum says whom it left out', () => {
    const { leftOut } = aggregate('multi-krum', [...lies, ...honest], { liarsMax: LIARS, kept: 7 })
    expect(leftOut).toEqual(expect.arrayContaining([0, 1, 2]))
    expect(leftOut.length).toBe(HONEST + LIARS - 7)
  })

  test('Krum refuses where there are too few to tell, with the numbers', () => {
    const few = () => aggregate('krum', [[1], [2], [3], [4]], { liarsMax: 1 })
    expect(few).toThrow('4 updates came: Krum against 1 liars needs 5')
  })
})

describe('figures worked out by hand', () => {
  test('trimmed mean and median of a parameter', () => {
    const rows = [[1], [2], [3], [10], [-50]]
    expect(rounded(aggregate('trimmed-mean', rows, { trimmedShare: 0.2 }))).toEqual([2])
    expect(rounded(aggregate('coordinate-median', rows))).toEqual([2])
    expect(rounded(aggregate('coordinate-median', [[1], [2], [3], [10]]))).toEqual([2.5])
  })

  test('the geometric median of three points off a line is their Fermat point', () => {
    // Of the corners of an equilateral triangle it is the centre.
    const corners = [
      [0, 0],
      [1, 0],
      [0.5, Math.sqrt(3) / 2],
    ]
    const [x, y] = aggregate('geometric-median', corners).parameters
    expect(x).toBeCloseTo(0.5, 4)
    expect(y).toBeCloseTo(Math.sqrt(3) / 6, 4)
  })

  test('FedAvgM goes on in the direction of the change before', () => {
    const rule = ruleOf('fed-avg-m', { momentum: 0.5 })
    const first = rule({ current: Float32Array.of(0), updates: [update(1)], moments: [] })
    expect([...first.parameters]).toEqual([1])
    const updates = [update(...first.parameters)]
    const second = rule({ current: first.parameters, updates, moments: first.moments })
    expect([...second.parameters]).toEqual([1.5])
  })

  test('FedAdam and FedYogi step as algorithm 2 of Reddi et al. 2021 says', () => {
    const options = { learningRate: 0.1, momentum: 0.9, secondMomentum: 0.99, adaptivity: 0.001 }
    const step = (rule: Rule) => aggregate(rule, [[0.5]], options).parameters[0]
    const m = 0.1 * 0.5
    const adam = 0.99 * 1e-6 + 0.01 * 0.25
    const yogi = 1e-6 + 0.01 * 0.25
    expect(step('fed-adam')).toBeCloseTo((0.1 * m) / (Math.sqrt(adam) + 0.001), 6)
    expect(step('fed-yogi')).toBeCloseTo((0.1 * m) / (Math.sqrt(yogi) + 0.001), 6)
  })

  test('Yogi forgets a great change slower than Adam does', () => {
    const secondAfterQuiet = (rule: Rule) => {
      const apply = ruleOf(rule, { secondMomentum: 0.9 })
      let [current, moments]: [Float32Array, readonly Float32Array[]] = [new Float32Array(1), []]
      for (const change of [10, ...new Array<number>(20).fill(0.01)]) {
        const next = apply({ current, updates: [update((current[0] ?? 0) + change)], moments })
        current = next.parameters
        moments = next.moments
      }
      return moments[1]?.[0] ?? 0
    }
    expect(secondAfterQuiet('fed-yogi')).toBeGreaterThan(5 * secondAfterQuiet('fed-adam'))
  })
})
