import type { Random } from '../../../runtime/seeded-random.ts'
import type { NoiseSchedule } from './noise-schedule.ts'
import { normalNumbers } from './noised-samples.ts'

/** The noise that a denoiser sees in the rows of x, each at its step. */
export type PredictNoise = (x: Float32Array, t: Int32Array) => Promise<Float32Array>

/**
 * Generates `count` rows out of noise (Ho et al. 2020, algorithm 2, with σₜ² = βₜ):
 *
 *   xₜ₋₁ = (xₜ − βₜ / √(1 − ᾱₜ) · ε(xₜ, t)) / √(1 − βₜ) + σₜ · z      z from N(0, 1), 0 at the last
 */
export async function denoise(options: {
  readonly schedule: NoiseSchedule
  readonly predictNoise: PredictNoise
  readonly count: number
  readonly size: number
  readonly random: Random
}): Promise<Float32Array> {
  const { schedule, predictNoise, count, size, random } = options
  let x = normalNumbers(count * size, random)
  for (let t = schedule.steps - 1; t >= 0; t--) {
    const noise = await predictNoise(x, new Int32Array(count).fill(t))
    const beta = schedule.betas[t] ?? 0
    const noiseScale = beta / Math.sqrt(1 - (schedule.signalShares[t] ?? 0))
    const fresh = t > 0 ? normalNumbers(x.length, random) : new Float32Array(x.length)
    x = x.map((value, place) => {
      const mean = (value - noiseScale * (noise[place] ?? 0)) / Math.sqrt(1 - beta)
      return mean + Math.sqrt(beta) * (fresh[place] ?? 0)
    })
  }
  return x
}
