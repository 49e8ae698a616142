import { fillStandardNormal, seededRandom } from '../../../runtime/seeded-random.ts'
import type { NoiseSchedule } from './noise-schedule.ts'

export interface DiffusionSamples {
  readonly inputs: {
    readonly x: Float32Array
    readonly t: Int32Array
    readonly condition?: Float32Array
  }
  /** The noise that is in each x. */
  readonly labels: Float32Array
}

/**
 * What a denoiser learns from (Ho et al. 2020, algorithm 1): each sample `copies` times, each time with
 * a step and noise of its own. With the mean squared error as the loss this is L_simple (equation 14).
 *
 *   xₜ = √ᾱₜ · x₀ + √(1 − ᾱₜ) · ε      t from 0 to T − 1, ε from N(0, 1)
 */
export function noisedSamples(options: {
  readonly schedule: NoiseSchedule
  /** Rows of `size` numbers, best of a mean near 0 and a deviation near 1. */
  readonly samples: Float32Array
  readonly size: number
  /** A row for each sample, of what it is to be generated for. */
  readonly conditions?: Float32Array
  readonly copies: number
  readonly seed: number
}): DiffusionSamples {
  const { schedule, samples, size, conditions, copies, seed } = options
  const random = seededRandom(seed)
  const sampleCount = samples.length / size
  const labels = fillStandardNormal(new Float32Array(samples.length * copies), random)
  const t = Int32Array.from({ length: sampleCount * copies }, () =>
    Math.floor(random() * schedule.steps),
  )
  const x = labels.map((noise, place) => {
    const share = schedule.signalShares[t[Math.floor(place / size)] ?? 0] ?? 0
    const signal = samples[place % samples.length] ?? 0
    return Math.sqrt(share) * signal + Math.sqrt(1 - share) * noise
  })
  if (!conditions) return { inputs: { x, t }, labels }
  const condition = new Float32Array(conditions.length * copies)
  for (let copy = 0; copy < copies; copy++) condition.set(conditions, copy * conditions.length)
  return { inputs: { x, t, condition }, labels }
}
