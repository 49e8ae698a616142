import { z } from 'zod'

/** How a sample turns into noise, in steps t from 0 to `steps` − 1. */
export interface NoiseSchedule {
  readonly steps: number
  /** βₜ: the share of variance that is noise anew in step t. */
  readonly betas: Float64Array
  /** ᾱₜ = Π (1 − βₛ) over s ≤ t: the share of variance that is still the sample's after step t. */
  readonly signalShares: Float64Array
}

export const noiseScheduleSchema = z.strictObject({
  kind: z.enum(['linear', 'cosine', 'variance-preserving']).default('linear'),
  steps: z.int().min(2).max(10_000).default(1000).describe('Steps from a sample to noise.'),
})

type NoiseScheduleKind = z.output<typeof noiseScheduleSchema>['kind']

/** Of Ho et al. 2020, section 4, with a thousand steps. */
const LINEAR = { first: 1e-4, last: 0.02, steps: 1000 }
const VARIANCE_PRESERVING = { first: 0.1, last: 10 }
/** No step may take everything (Nichol and Dhariwal 2021, section 3.2). */
const BETA_MAX = 0.999
/** s of Nichol and Dhariwal 2021, equation 17: keeps the first steps from being too small to matter. */
const COSINE_OFFSET = 0.008

/**
 *   linear   βₜ from 10⁻⁴ to 0.02 for a thousand steps, and in proportion for fewer, so that as much
 *            noise comes in all
 *   variance-preserving
 *            βₜ = 1 − exp(−b₀/T − ½ (b₁ − b₀)(2t + 1)/T²), the stochastic differential equation of Song
 *            et al. 2021 (appendix C) in T steps, with b₀ = 0.1 and b₁ = 10 as in GDMOPT (Du et al.
 *            2023): for few steps
 *   cosine   ᾱ = cos²(π/2 · (t/T + s) / (1 + s)), relative to t = 0: for few steps
 */
export function noiseSchedule(options: z.input<typeof noiseScheduleSchema> = {}): NoiseSchedule {
  const { kind, steps } = noiseScheduleSchema.parse(options)
  const beta = BETAS[kind](steps)
  const betas = Float64Array.from({ length: steps }, (_, t) => Math.min(BETA_MAX, beta(t)))
  let share = 1
  const signalShares = betas.map(b => {
    share *= 1 - b
    return share
  })
  return { steps, betas, signalShares }
}

const BETAS: Readonly<Record<NoiseScheduleKind, (steps: number) => (t: number) => number>> = {
  linear: linearBeta,
  cosine: cosineBeta,
  'variance-preserving': variancePreservingBeta,
}

function variancePreservingBeta(steps: number): (t: number) => number {
  const { first, last } = VARIANCE_PRESERVING
  return t => 1 - Math.exp(-first / steps - ((last - first) * (2 * t + 1)) / (2 * steps ** 2))
}

function linearBeta(steps: number): (t: number) => number {
  const scale = LINEAR.steps / steps
  return t => scale * (LINEAR.first + ((LINEAR.last - LINEAR.first) * t) / (steps - 1))
}

function cosineBeta(steps: number): (t: number) => number {
  const left = (t: number) =>
    Math.cos(((t / steps + COSINE_OFFSET) / (1 + COSINE_OFFSET)) * (Math.PI / 2)) ** 2
  return t => 1 - left(t + 1) / left(t)
}
