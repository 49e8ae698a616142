import { fillStandardNormal, seededRandom } from '../../../runtime/seeded-random.ts'
import type { NoiseSchedule } from './noise-schedule.ts'

export interface DiffusionSamples {
  readonly inputs: {
    readonly x: Float32Array
    readonly t: Int32Array
    readonly condition?: Float32Array
  }
  /** The noise that is in each x, or the sample that it was made of. */
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
  /** What the denoiser is to tell: ε, or x₀ where it foresees the sample. */
  readonly target?: 'noise' | 'sample'
}): DiffusionSamples {
  const { schedule, samples, size, conditions, copies, seed, target = 'noise' } = options
  const random = seededRandom(seed)
  const sampleCount = samples.length / size
  const noise = fillStandardNormal(new Float32Array(samples.length * copies), random)
  const t = Int32Array.from({ length: sampleCount * copies }, () =>
    Math.floor(random() * schedule.steps),
  )
  const x = noise.map((fresh, place) => {
    const share = schedule.signalShares[t[Math.floor(place / size)] ?? 0] ?? 0
    const signal = samples[place % samples.length] ?? 0
    return Math.sqrt(share) * signal + Math.sqrt(1 - share) * fresh
  })
  const labels = target === 'noise' ? noise : repeated(samples, copies)
  if (!conditions) return { inputs: { x, t }, labels }
  return { inputs: { x, t, condition: repeated(conditions, copies) }, labels }
}

function repeated(values: Float32Array, copies: number): Float32Array {
  const all = new Float32Array(values.length * copies)
  for (let copy = 0; copy < copies; copy++) all.set(values, copy * values.length)
  return all
}
