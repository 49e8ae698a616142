import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fedAvg, parametersFault } from '../../../controller/aggregate/fed-avg.ts'

const update = (exampleCount: number, ...parameters: number[]) => ({
  exampleCount,
  parameters: Float32Array.from(parameters),
})

const updates = fc.integer({ min: 1, max: 8 }).chain(length =>
  fc.array(
    fc.record({
      exampleCount: fc.integer({ min: 1, max: 10_000 }),
      parameters: fc
        .array(fc.float({ min: -10, max: 10, noNaN: true }), {
          minLength: length,
          maxLength: length,
        })
        .map(values => Float32Array.from(values)),
    }),
    { minLength: 1, maxLength: 12 },
  ),
)

function expectClose(actual: Float32Array, expected: Float32Array): void {
  for (const [index, value] of expected.entries()) {
    expect(Math.abs((actual[index] ?? Number.NaN) - value)).toBeLessThan(1e-6)
  }
}

describe('federated averaging', () => {
  test('it equals the mean worked out by hand', () => {
    // (1·1 + 3·5) / 4 = 4 and (1·-2 + 3·2) / 4 = 1
    expect([...fedAvg([update(1, 1, -2), update(3, 5, 2)])]).toEqual([4, 1])
  })

  test('one update is its own mean', () => {
    expect([...fedAvg([update(7, 0.1, 3)])]).toEqual([Math.fround(0.1), 3])
  })

  test('the order of the updates does not show', () => {
    fc.assert(
      fc.property(updates, all => {
        expectClose(fedAvg([...all].reverse()), fedAvg(all))
      }),
    )
  })

  test('only the ratio of the example counts matters', () => {
    fc.assert(
      fc.property(updates, fc.integer({ min: 2, max: 1000 }), (all, factor) => {
        const scaled = all.map(one => ({ ...one, exampleCount: one.exampleCount * factor }))
        expectClose(fedAvg(scaled), fedAvg(all))
      }),
    )
  })

  test('many small updates lose nothing to rounding', () => {
    const many = Array.from({ length: 100_000 }, () => update(1, 0.1))
    expect(fedAvg(many)[0]).toBe(Math.fround(0.1))
  })

  test('the updates stay as they were', () => {
    const one = update(1, 1, 2)
    fedAvg([one, update(1, 3, 4)])
    expect([...one.parameters]).toEqual([1, 2])
  })

  test('an empty list, another length, a value that is no number, a count of 0 are refused', () => {
    expect(() => fedAvg([])).toThrow('there is no update to average')
    expect(() => fedAvg([update(1, 1, 2), update(1, 1)])).toThrow(
      'the update has 1 parameters, the model 2',
    )
    expect(() => fedAvg([update(1, 1), update(1, Number.NaN)])).toThrow('parameter 0 is NaN')
    expect(() => fedAvg([update(1, Number.NEGATIVE_INFINITY)])).toThrow('parameter 0 is -Infinity')
    expect(() => fedAvg([update(0, 1)])).toThrow('an update counts 0 examples')
    expect(() => fedAvg([update(-1, 1), update(1, 1)])).toThrow('an update counts -1 examples')
    expect(() => fedAvg([update(Number.NaN, 1)])).toThrow('an update counts NaN examples')
  })

  test('parameters are checked alone against the length of the model', () => {
    expect(parametersFault(Float32Array.of(1, 2), 2)).toBeNull()
    expect(parametersFault(Float32Array.of(1, Number.POSITIVE_INFINITY), 2)).toBe(
      'parameter 1 is Infinity',
    )
  })
})
