import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  assignDevices,
  type Option,
} from '../../../controller/orchestrate/horizon/assign-devices.ts'

const MODELS = 3

/** The best total over all choices within the capacities. */
function bestBySearch(
  options: readonly (readonly Option[])[],
  capacities: readonly number[],
  device = 0,
): number {
  if (device === options.length) return 0
  let best = Number.NEGATIVE_INFINITY
  for (const { model, value } of options[device] ?? []) {
    const left = capacities.map((one, index) => (index === model ? one - 1 : one))
    if (left.some(one => one < 0)) continue
    best = Math.max(best, value + bestBySearch(options, left, device + 1))
  }
  return best
}

const option = fc.record({ model: fc.nat({ max: MODELS - 1 }), value: fc.nat({ max: 20 }) })
const device = fc
  .tuple(fc.nat({ max: 9 }), fc.array(option, { maxLength: 4 }))
  .map(([idle, others]): Option[] => [{ model: -1, value: idle }, ...others])

describe('assignment within capacities', () => {
  test('it is the best there is, and breaks no capacity', () => {
    fc.assert(
      fc.property(
        fc.array(device, { maxLength: 6 }),
        fc.array(fc.nat({ max: 3 }), { minLength: MODELS, maxLength: MODELS }),
        (options, capacities) => {
          const chosen = assignDevices(options, capacities)
          const taken = options.map((own, index) => own[chosen[index] ?? -1] as Option)
          const total = taken.reduce((sum, { value }) => sum + value, 0)
          expect(total).toBe(bestBySearch(options, capacities))
          for (const [model, capacity] of capacities.entries()) {
            expect(taken.filter(one => one.model === model).length).toBeLessThanOrEqual(capacity)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('nobody to assign is no problem', () => {
    expect(assignDevices([], [1])).toEqual([])
  })
})
