import { describe, expect, test } from 'vitest'
import { differentiableOps } from '../../../training/gradient/registry.ts'
import { gradientCases } from './gradient-cases.ts'
import { checkGradient } from './gradient-check.ts'
import { referenceCases } from './reference-cases.ts'

const SEED = 20260101
/** Relative to 1 + the gradient, in float64. */
const TOLERANCE = 1e-7
/** Where ONNX Runtime has float32 kernels only: some ten times their rounding. */
const FLOAT32_TOLERANCE = 1e-6

describe.each(Object.entries(gradientCases))('the gradient of %s', (opType, cases) => {
  test.each(cases)('equals a central difference: $name', async given => {
    const { errorMax, checkedCount } = await checkGradient(opType, given, SEED)
    expect(checkedCount).toBeGreaterThan(0)
    const tolerance = given.float32 ? FLOAT32_TOLERANCE : TOLERANCE
    expect(
      errorMax,
      `${opType} (${given.name}): error ${errorMax}, tolerance ${tolerance}, seed ${SEED}`,
    ).toBeLessThanOrEqual(tolerance)
  })
})

test('every differentiable operator has at least two cases, and every case an operator', () => {
  const caseCounts = [...Object.entries(gradientCases), ...Object.entries(referenceCases)].map(
    ([opType, cases]) => ({ opType, count: 'cases' in cases ? cases.cases.length : cases.length }),
  )
  expect(caseCounts.map(({ opType }) => opType).toSorted()).toEqual(differentiableOps.toSorted())
  expect(caseCounts.filter(({ count }) => count < 2)).toEqual([])
})
