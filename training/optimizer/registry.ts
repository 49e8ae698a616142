import { z } from 'zod'
import { adam, adamSchema } from './adam.ts'
import type { Optimizer } from './optimizer.ts'
import { sgd, sgdSchema } from './sgd.ts'

export const optimizerSchema = z.discriminatedUnion('kind', [adamSchema, sgdSchema])

/** What a caller writes: hyper-parameters that are left out have the defaults of the schema. */
export type OptimizerOptions = z.input<typeof optimizerSchema>
export type OptimizerSettings = z.output<typeof optimizerSchema>

const optimizers: {
  readonly [Kind in OptimizerSettings['kind']]: (
    settings: Extract<OptimizerSettings, { kind: Kind }>,
  ) => Optimizer
} = { adam, sgd }

export function createOptimizer(settings: OptimizerSettings): Optimizer {
  // The table is typed by kind, so the builder found takes just these settings.
  const create = optimizers[settings.kind] as (settings: OptimizerSettings) => Optimizer
  return create(settings)
}
