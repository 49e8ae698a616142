import { z } from 'zod'

const learningRate = z.number().positive().default(3e-4)

/** Hyper-parameters of soft actor-critic, with the values of Haarnoja et al. 2018b, table 1. */
export const sacSchema = z.strictObject({
  batch: z.int().min(1).max(65_536).default(256).describe('Transitions of an update.'),
  discount: z.number().min(0).max(1).default(0.99).describe('γ.'),
  targetRate: z
    .number()
    .positive()
    .max(1)
    .default(0.005)
    .describe('τ: how far the target critics follow at each update.'),
  learningRates: z
    .strictObject({ actor: learningRate, critic: learningRate, temperature: learningRate })
    .prefault({}),
  initialTemperature: z.number().positive().default(1).describe('α at first.'),
  targetEntropy: z
    .number()
    .optional()
    .describe(
      'H̄ in nats; minus the number of action values where left out. Of continuous actions.',
    ),
  targetEntropyShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.98)
    .describe('ζ: H̄ as a share of the entropy of an even choice. Of discrete actions.'),
})

export type SacOptions = z.input<typeof sacSchema>
export type SacSettings = z.output<typeof sacSchema>
