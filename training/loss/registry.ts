import { z } from 'zod'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import {
  binaryCrossEntropy,
  binaryCrossEntropySchema,
  huber,
  huberSchema,
  meanAbsoluteError,
  meanAbsoluteErrorSchema,
  meanSquaredError,
  meanSquaredErrorSchema,
} from './elementwise.ts'
import { kullbackLeibler, kullbackLeiblerSchema } from './kullback-leibler.ts'
import type { Loss } from './loss.ts'
import { modelOutput, modelOutputSchema } from './model-output.ts'
import { quantile, quantileSchema } from './quantile.ts'
import { reconstruction, reconstructionSchema } from './reconstruction.ts'
import { softmaxCrossEntropy, softmaxCrossEntropySchema } from './softmax-cross-entropy.ts'

export const lossSchema = z.discriminatedUnion('kind', [
  binaryCrossEntropySchema,
  huberSchema,
  kullbackLeiblerSchema,
  meanAbsoluteErrorSchema,
  meanSquaredErrorSchema,
  modelOutputSchema,
  quantileSchema,
  reconstructionSchema,
  softmaxCrossEntropySchema,
])

export type LossSettings = z.output<typeof lossSchema>
export type LossKind = LossSettings['kind']

/** What a caller writes: settings that are left out, or all of them, have their defaults. */
export type LossOptions = LossKind | z.input<typeof lossSchema>

const losses: {
  readonly [Kind in LossKind]: (settings: Extract<LossSettings, { kind: Kind }>) => Loss
} = {
  'binary-cross-entropy': binaryCrossEntropy,
  huber,
  'kullback-leibler': kullbackLeibler,
  'mean-absolute-error': meanAbsoluteError,
  'mean-squared-error': meanSquaredError,
  'model-output': modelOutput,
  quantile,
  reconstruction,
  'softmax-cross-entropy': softmaxCrossEntropy,
}

export const lossKinds: readonly string[] = Object.keys(losses)

export function parseLoss(options: LossOptions): LossSettings {
  return lossSchema.parse(typeof options === 'string' ? { kind: options } : options)
}

/** The model's output that is trained on, where the settings name one. */
export function outputOf(settings: LossSettings): string | undefined {
  return settings.kind === 'model-output' ? settings.output : undefined
}

/** The loss of these settings. What it cannot work on is MODEL_INVALID, by its name. */
export function createLoss(settings: LossSettings): Loss {
  // The table is typed by kind, so the builder found takes just these settings.
  const create = losses[settings.kind] as (settings: LossSettings) => Loss
  const loss = create(settings)
  const named = <Made>(make: () => Made): Made => {
    try {
      return make()
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new GainnetError(
        'MODEL_INVALID',
        `the loss ${settings.kind} ${messageOf(error)}`,
        { loss: settings.kind },
        { cause: error },
      )
    }
  }
  return {
    labelType: shape => named(() => loss.labelType(shape)),
    emit: (graph, inputs) => named(() => loss.emit(graph, inputs)),
  }
}
