import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../runtime/seeded-random.ts'
import { denoise } from '../../../../training/models/diffusion/denoise.ts'
import { noiseSchedule } from '../../../../training/models/diffusion/noise-schedule.ts'
import { noisedSamples } from '../../../../training/models/diffusion/noised-samples.ts'

const SEED = 3

describe('a noise schedule', () => {
  test('is the published one for a thousand steps', () => {
    const { betas, signalShares } = noiseSchedule()
    expect(betas.length).toBe(1000)
    expect(betas[0]).toBeCloseTo(1e-4, 12)
    expect(betas.at(-1)).toBeCloseTo(0.02, 12)
    // Ho et al. 2020, section 4: what is left of the signal is about 4 · 10⁻⁵.
    expect(signalShares.at(-1)).toBeCloseTo(4e-5, 5)
  })

  test.each([
    { kind: 'linear', steps: 50 },
    { kind: 'linear', steps: 2 },
    { kind: 'cosine', steps: 10 },
    { kind: 'cosine', steps: 1000 },
    { kind: 'variance-preserving', steps: 6 },
  ] as const)('$kind of $steps steps takes the signal away, step by step', options => {
    const { betas, signalShares } = noiseSchedule(options)
    expect(betas.every(beta => beta > 0 && beta < 1)).toBe(true)
    expect(signalShares.every((share, t) => t === 0 || share < (signalShares[t - 1] ?? 0))).toBe(
      true,
    )
    expect(signalShares.at(-1)).toBeLessThan(0.01)
  })

  test('of no steps is refused', () => {
    expect(() => noiseSchedule({ steps: 0 })).toThrow(/steps/)
  })
})

describe('noised samples', () => {
  const schedule = noiseSchedule({ kind: 'cosine', steps: 8 })
  const samples = Float32Array.of(1, 2, 3, -1, -2, -3)
  const options = { schedule, samples, size: 3, copies: 200, seed: SEED }

  test('are the share of the signal and the share of the noise that the step says', () => {
    const { inputs, labels } = noisedSamples(options)
    expect(inputs.x.length).toBe(6 * 200)
    for (const [place, value] of inputs.x.entries()) {
      const share = schedule.signalShares[inputs.t[Math.floor(place / 3)] ?? -1] ?? Number.NaN
      const expected =
        Math.sqrt(share) * (samples[place % 6] ?? 0) + Math.sqrt(1 - share) * (labels[place] ?? 0)
      expect(value).toBeCloseTo(expected, 5)
    }
  })

  test('have all steps and the same numbers each time', () => {
    const { inputs, labels } = noisedSamples(options)
    expect(new Set(inputs.t).size, `seed ${SEED}`).toBe(8)
    expect(noisedSamples(options)).toEqual({ inputs, labels })
  })

  test('have the samples as labels where a denoiser is to foresee them', () => {
    const { inputs, labels } = noisedSamples({ ...options, copies: 2, target: 'sample' })
    expect(labels).toEqual(Float32Array.of(1, 2, 3, -1, -2, -3, 1, 2, 3, -1, -2, -3))
    expect(inputs.x).toEqual(noisedSamples({ ...options, copies: 2 }).inputs.x)
  })

  test('take the condition of their sample along', () => {
    const conditions = Float32Array.of(10, 20, 30, 40)
    const { inputs } = noisedSamples({ ...options, conditions, copies: 2 })
    expect(inputs.condition).toEqual(Float32Array.of(10, 20, 30, 40, 10, 20, 30, 40))
  })
})

test('whoever knows the noise generates the sample', async () => {
  const schedule = noiseSchedule({ kind: 'cosine', steps: 12 })
  const target = [0.5, -2]
  const generated = await denoise({
    schedule,
    count: 4,
    size: 2,
    random: seededRandom(SEED),
    // ε = (xₜ − √ᾱₜ · x₀) / √(1 − ᾱₜ)
    predictNoise: async (x, t) =>
      x.map((value, place) => {
        const share = schedule.signalShares[t[Math.floor(place / 2)] ?? 0] ?? 0
        return (value - Math.sqrt(share) * (target[place % 2] ?? 0)) / Math.sqrt(1 - share)
      }),
  })
  for (const [place, value] of generated.entries()) {
    expect(value, `seed ${SEED}`).toBeCloseTo(target[place % 2] ?? 0, 4)
  }
})
