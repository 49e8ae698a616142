import { describe, expect, test } from 'vitest'
import { differentiableOps } from '../../../training/gradient/registry.ts'
import { gradientCases } from './gradient-cases.ts'
import { checkGradient } from './gradient-check.ts'

const SEED = 20260101
/** Relative to 1 + the gradient, in float64. */
const TOLERANCE = 1e-7
/** Where ONNX Runtime has float32 kernels only: some hundred times their rounding. */
const FLOAT32_TOLERANCE = 1e-5

describe.each(differentiableOps)('the gradient of %s', opType => {
  test.each(gradientCases[opType] ?? [])('equals a central difference: $name', async given => {
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
  expect(Object.keys(gradientCases).toSorted()).toEqual([...differentiableOps].toSorted())
  for (const cases of Object.values(gradientCases)) expect(cases.length).toBeGreaterThanOrEqual(2)
})
