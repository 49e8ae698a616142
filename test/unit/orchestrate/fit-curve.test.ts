import { describe, expect, test } from 'vitest'
import { type CurveFit, fitCurve } from '../../../controller/orchestrate/curve/fit-curve.ts'
import { learningShare } from '../../../controller/orchestrate/gai-gain.ts'
import { seededRandom, standardNormal } from '../../../runtime/seeded-random.ts'

const PRIOR = { effectiveSamplesPrior: 50, exponent: 0.35 }
const SAMPLES_A_VERSION = 100

interface Truth {
  readonly effectiveSamplesPrior: number
  readonly exponent: number
  readonly versions: number
  readonly noise?: number
  /** Share of versions whose judging went wrong. */
  readonly outliers?: number
}

/** Losses that fall from 5 towards 2 along a curve that is known. */
function pointsOf({ versions, noise = 0, outliers = 0, ...curve }: Truth, seed = 1) {
  const random = seededRandom(seed)
  return Array.from({ length: versions }, (_, version) => {
    const absorbedSamples = version * SAMPLES_A_VERSION
    const left = (1 + absorbedSamples / curve.effectiveSamplesPrior) ** -curve.exponent
    const loss = 2 + 3 * left + noise * standardNormal(random)
    return { absorbedSamples, loss: random() < outliers ? 3 * loss : loss }
  })
}

/** φ of the next 200 samples. */
function shareAfter(versions: number, curve: typeof PRIOR): number {
  const { effectiveSamplesPrior, exponent } = curve
  const effectiveSamples = effectiveSamplesPrior + versions * SAMPLES_A_VERSION
  return learningShare({ workload: 200, effectiveSamples, exponent })
}

function fitOf(truth: Truth): CurveFit {
  const fit = fitCurve(pointsOf(truth), PRIOR)
  if (fit === null) throw new Error('there are enough versions')
  return fit
}

describe('the learning curve of a model', () => {
  test.each([
    { effectiveSamplesPrior: 50, exponent: 0.35 },
    { effectiveSamplesPrior: 500, exponent: 0.35 },
    { effectiveSamplesPrior: 20, exponent: 0.6 },
    { effectiveSamplesPrior: 1000, exponent: 0.5 },
  ])('is found from its losses: $effectiveSamplesPrior samples, exponent $exponent', curve => {
    const fit = fitOf({ ...curve, versions: 40 })
    const truth = shareAfter(40, curve)
    expect(Math.abs(shareAfter(40, fit) - truth)).toBeLessThan(0.2 * truth)
    expect(fit.versions).toBe(40)
  })

  test('is the prior as long as little is known, and surer with each version', () => {
    expect(fitCurve(pointsOf({ ...PRIOR, versions: 1 }), PRIOR)).toBeNull()
    const curve = { effectiveSamplesPrior: 500, exponent: 0.6 }
    const spreads = [2, 10, 40].map(versions => fitOf({ ...curve, versions, noise: 0.02 }))
    const [two, ten, forty] = spreads as [CurveFit, CurveFit, CurveFit]
    expect(two.exponent).toBeCloseTo(PRIOR.exponent, 1)
    expect(two.effectiveSamplesFactor).toBeGreaterThan(ten.effectiveSamplesFactor)
    expect(ten.effectiveSamplesFactor).toBeGreaterThan(forty.effectiveSamplesFactor)
    expect(two.exponentSpread).toBeGreaterThan(forty.exponentSpread)
  })

  test('is not led astray by versions whose loss has gone wrong', () => {
    const curve = { effectiveSamplesPrior: 500, exponent: 0.35 }
    const clean = shareAfter(40, fitOf({ ...curve, versions: 40, noise: 0.02 }))
    const soiled = shareAfter(40, fitOf({ ...curve, versions: 40, noise: 0.02, outliers: 0.1 }))
    expect(Math.abs(soiled - clean)).toBeLessThan(0.2 * clean)
  })

  test.each([
    ['that stands still', Array.from({ length: 20 }, () => 3)],
    ['that rises', Array.from({ length: 20 }, (_, version) => 1 + version)],
    ['of zero', Array.from({ length: 20 }, () => 0)],
    ['that is no number now and then', [5, Number.NaN, 4, Number.POSITIVE_INFINITY, 3.5]],
    ['of enormous size', [1e300, 1e299, 1e298]],
  ])('of a loss %s stays within its bounds', (_, losses) => {
    const points = losses.map((loss, at) => ({ absorbedSamples: at * 100, loss }))
    const fit = fitCurve(points, PRIOR)
    expect(fit?.exponent).toBeGreaterThan(0)
    expect(fit?.exponent).toBeLessThanOrEqual(1)
    expect(fit?.effectiveSamplesPrior).toBeGreaterThanOrEqual(PRIOR.effectiveSamplesPrior / 1000)
    expect(fit?.effectiveSamplesPrior).toBeLessThanOrEqual(PRIOR.effectiveSamplesPrior * 1000)
  })

  test('is the same of the same losses, in other units too', () => {
    const points = pointsOf({ ...PRIOR, versions: 10, noise: 0.1 })
    const fit = fitCurve(points, PRIOR)
    expect(fitCurve(points, PRIOR)).toEqual(fit)
    const scaled = points.map(one => ({ ...one, loss: one.loss * 1000 }))
    expect(fitCurve(scaled, PRIOR)?.exponent).toBeCloseTo(fit?.exponent ?? 0, 6)
  })
})
