import { describe, expect, test } from 'vitest'
import { differentiate } from '../../../../training/gradient-probe/finite-difference.ts'
import { gaussLegendre } from '../../../../training/gradient-probe/gauss-legendre.ts'

const steps = { first: 1e-2, factor: 4, levels: 6, enough: 1e-13 }

describe('a numeric derivative', () => {
  test('of a smooth function is right to ten digits', async () => {
    const { derivative, uncertainty } = await differentiate(async x => Math.exp(2 * x), steps)
    expect(Math.abs(derivative - 2)).toBeLessThan(1e-10)
    expect(uncertainty).toBeLessThan(1e-9)
  })

  test('is right to five digits where the function is rounded to float32', async () => {
    const rounded = async (x: number) => Math.fround(Math.sin(3 * x + 1))
    const wide = { first: 0.2, factor: 2, levels: 7, enough: 1e-9 }
    const { derivative } = await differentiate(rounded, wide)
    expect(Math.abs(derivative - 3 * Math.cos(1))).toBeLessThan(1e-5)
  })

  test('finds the slope beside a kink with steps that are small enough', async () => {
    const bent = async (x: number) => Math.max(0, x - 1e-5) * 5 + x
    const narrow = { first: 1e-4, factor: 4, levels: 9, enough: 1e-7 }
    expect((await differentiate(bent, narrow)).derivative).toBeCloseTo(1, 6)
  })
})

describe('quadrature by Gauss and Legendre', () => {
  test('is exact for polynomials and for the bell of erf', () => {
    const { points, weights } = gaussLegendre(48)
    const integral = (f: (u: number) => number) =>
      points.reduce((sum, u, index) => sum + (weights[index] ?? 0) * f(u), 0)
    expect(integral(() => 1)).toBeCloseTo(1, 14)
    expect(integral(u => u ** 40)).toBeCloseTo(1 / 41, 14)
    // erf 6 = 1 - 2e-17
    const erf6 = (12 / Math.sqrt(Math.PI)) * integral(u => Math.exp(-36 * u * u))
    expect(erf6).toBeCloseTo(1, 14)
  })
})
