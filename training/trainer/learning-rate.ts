import { z } from 'zod'

const rates = {
  /** The highest rate. */
  rate: z.number().positive(),
  /** So many steps the rate climbs evenly from 0 (Goyal et al. 2017, section 2.2). */
  warmupSteps: z.int().nonnegative().default(0),
}

const decay = {
  ...rates,
  /** Steps of the whole training, those of the warm-up among them. */
  steps: z.int().positive(),
  /** Where the rate ends, and stays after the last step. */
  rateMin: z.number().nonnegative().default(0),
}

export const learningRateSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant'), ...rates }),
  z.strictObject({
    kind: z.literal('step'),
    ...rates,
    everySteps: z.int().positive(),
    factor: z.number().positive().default(0.1),
  }),
  z.strictObject({ kind: z.literal('cosine'), ...decay }),
  z.strictObject({ kind: z.literal('linear'), ...decay }),
])

/** A rate for all steps, or one that changes with them. */
export type LearningRate = number | z.input<typeof learningRateSchema>

/**
 * The rate of each step; steps count from 1. With n steps done after the warm-up, and x = n / (their
 * number), at most 1:
 *
 *   constant   rate
 *   step       rate · factor^⌊n / everySteps⌋
 *   cosine     rateMin + (rate − rateMin) · (1 + cos πx) / 2      (Loshchilov and Hutter 2017, eq. 5)
 *   linear     rateMin + (rate − rateMin) · (1 − x)
 *   warm-up    rate · step / warmupSteps
 */
export function learningRateSeries(learningRate: LearningRate): (step: number) => number {
  if (typeof learningRate === 'number') return () => learningRate
  const settings = learningRateSchema.parse(learningRate)
  const { rate, warmupSteps } = settings
  return step => {
    if (step <= warmupSteps) return (rate * step) / warmupSteps
    const done = step - 1 - warmupSteps
    if (settings.kind === 'constant') return rate
    if (settings.kind === 'step') {
      return rate * settings.factor ** Math.floor(done / settings.everySteps)
    }
    const { steps, rateMin } = settings
    const progress = Math.min(1, done / Math.max(1, steps - warmupSteps))
    const left = settings.kind === 'cosine' ? (1 + Math.cos(Math.PI * progress)) / 2 : 1 - progress
    return rateMin + (rate - rateMin) * left
  }
}
