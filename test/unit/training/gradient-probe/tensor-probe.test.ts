import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../runtime/seeded-random.ts'
import { probeTensor } from '../../../../training/gradient-probe/tensor-probe.ts'

const SEED = 5

describe('the error of a gradient', () => {
  const values = [Float64Array.of(1, -2, 3), Float64Array.of(0.5)]
  // L = Σ x² + 1e-9 · b, with the gradients 2x and 1e-9.
  const probe = {
    float32Ops: [],
    value: async ([x = new Float64Array(), b = new Float64Array()]: readonly Float64Array[]) =>
      x.reduce((sum, one) => sum + one * one, 0) + 1e-9 * (b[0] ?? 0),
    release: async () => {},
  }
  const errorOf = async (gradient: Float32Array | undefined, index = 0) => {
    const given = { index, values, gradient, random: seededRandom(SEED), scale: 1 }
    return (await probeTensor(probe, given)).relativeError
  }

  test('that is right is that of its rounding', async () => {
    expect(await errorOf(Float32Array.of(2, -4, 6))).toBeLessThan(1e-6)
  })

  test.each([
    ['one element', Float32Array.of(2, -4, 6.6), 0.01],
    ['the sign', Float32Array.of(-2, 4, -6), 0.5],
    ['a factor', Float32Array.of(1, -2, 3), 0.3],
    ['everything', undefined, 0.9],
  ])('that has %s wrong is large', async (_, gradient, least) => {
    expect(await errorOf(gradient), `seed ${SEED}`).toBeGreaterThan(least)
  })

  test('of a tensor that hardly matters is measured by the size of what it moves', async () => {
    expect(await errorOf(Float32Array.of(0), 1)).toBeLessThan(1e-5)
  })

  test('that is not a number is not a number', async () => {
    expect(await errorOf(Float32Array.of(Number.NaN, 0, 0))).toBeNaN()
  })
})
