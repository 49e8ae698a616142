import { fillStandardNormal, type Random } from '../../../runtime/seeded-random.ts'
import type { NoiseSchedule } from './noise-schedule.ts'

/** The noise that a denoiser sees in the rows of x, each at its step. */
export type PredictNoise = (x: Float32Array, t: Int32Array) => Promise<Float32Array>

/**
 * Generates `count` rows out of noise (Ho et al. 2020, algorithm 2 with σₜ² = βₜ, its mean written as in
 * equations 7 and 15, so that the sample foreseen is known):
 *
 *   x̂₀ = (xₜ − √(1 − ᾱₜ) · ε(xₜ, t)) / √ᾱₜ, kept within ± valueMax
 *   xₜ₋₁ = (√ᾱₜ₋₁ · βₜ · x̂₀ + √(1 − βₜ) · (1 − ᾱₜ₋₁) · xₜ) / (1 − ᾱₜ) + σₜ · z
 *
 * z from N(0, 1), 0 at the last.
 */
export async function denoise(options: {
  readonly schedule: NoiseSchedule
  readonly predictNoise: PredictNoise
  readonly count: number
  readonly size: number
  readonly random: Random
  /**
   * No number of a sample is larger, as their code has it for images. Where ᾱ is small, in the first
   * steps, a small error of the noise is a large one of the sample: with few steps it is needed.
   */
  readonly valueMax?: number
}): Promise<Float32Array> {
  const { schedule, predictNoise, count, size, random } = options
  const { valueMax = Number.POSITIVE_INFINITY } = options
  let x = fillStandardNormal(new Float32Array(count * size), random)
  for (let t = schedule.steps - 1; t >= 0; t--) {
    const noise = await predictNoise(x, new Int32Array(count).fill(t))
    const beta = schedule.betas[t] ?? 0
    const share = schedule.signalShares[t] ?? 0
    const shareBefore = t > 0 ? (schedule.signalShares[t - 1] ?? 0) : 1
    const ofSample = (Math.sqrt(shareBefore) * beta) / (1 - share)
    const ofNow = (Math.sqrt(1 - beta) * (1 - shareBefore)) / (1 - share)
    const fresh = new Float32Array(x.length)
    if (t > 0) fillStandardNormal(fresh, random)
    x = x.map((value, place) => {
      const foreseen = (value - Math.sqrt(1 - share) * (noise[place] ?? 0)) / Math.sqrt(share)
      const sample = Math.min(valueMax, Math.max(-valueMax, foreseen))
      return ofSample * sample + ofNow * value + Math.sqrt(beta) * (fresh[place] ?? 0)
    })
  }
  return x
}
