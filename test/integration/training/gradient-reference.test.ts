import { describe, expect, test } from 'vitest'
import { referenceCases } from './reference-cases.ts'
import { checkAgainstReference } from './reference-check.ts'

const SEED = 20260102
/** Relative L2 errors of float32 results. */
const TOLERANCE = 1e-5

describe.each(Object.entries(referenceCases))('the gradient of %s', (opType, given) => {
  test.each(given.cases)('equals differences of a float64 reference: $name', async testCase => {
    const { reference } = given
    const checked = await checkAgainstReference(opType, testCase, { reference, seed: SEED })
    const told = `${opType} (${testCase.name}): ${JSON.stringify(checked)}, seed ${SEED}`
    expect(checked.checkedCount).toBeGreaterThan(0)
    expect(checked.forwardError, told).toBeLessThanOrEqual(TOLERANCE)
    expect(checked.gradientError, told).toBeLessThanOrEqual(TOLERANCE)
  })
})
