import { z } from 'zod'
import { adagrad, adagradSchema } from './adagrad.ts'
import { adam, adamSchema } from './adam.ts'
import { adamW, adamWSchema } from './adam-w.ts'
import { lamb, lambSchema } from './lamb.ts'
import type { Optimizer } from './optimizer.ts'
import { rmsProp, rmsPropSchema } from './rms-prop.ts'
import { sgd, sgdSchema } from './sgd.ts'

export const optimizerSchema = z.discriminatedUnion('kind', [
  adagradSchema,
  adamSchema,
  adamWSchema,
  lambSchema,
  rmsPropSchema,
  sgdSchema,
])

/** What a caller writes: hyper-parameters that are left out have the defaults of the schema. */
export type OptimizerOptions = z.input<typeof optimizerSchema>
export type OptimizerSettings = z.output<typeof optimizerSchema>

const optimizers: {
  readonly [Kind in OptimizerSettings['kind']]: (
    settings: Extract<OptimizerSettings, { kind: Kind }>,
  ) => Optimizer
} = { adagrad, adam, 'adam-w': adamW, lamb, 'rms-prop': rmsProp, sgd }

export const optimizerKinds: readonly string[] = Object.keys(optimizers)

export function createOptimizer(settings: OptimizerSettings): Optimizer {
  // The table is typed by kind, so the builder found takes just these settings.
  const create = optimizers[settings.kind] as (settings: OptimizerSettings) => Optimizer
  return create(settings)
}
