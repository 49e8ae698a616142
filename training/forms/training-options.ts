import { createHash } from 'node:crypto'
import { GainnetError } from '../../runtime/errors.ts'
import { packageVersion } from '../../runtime/version.ts'
import type { BatchNormalizationMode } from '../forward/batch-statistics.ts'
import { type ForwardModel, readForwardModel } from '../forward/forward-graph.ts'
import { createLoss, type LossOptions, outputOf, parseLoss } from '../loss/registry.ts'
import { createOptimizer, type OptimizerOptions, optimizerSchema } from '../optimizer/registry.ts'
import type { TrainingGraphOptions } from '../step/training-graph.ts'
import { type WeightAverageOptions, weightAverageSchema } from '../step/weight-average.ts'
import { METADATA_VERSION } from './artifact-metadata.ts'

export interface TrainingOptions {
  readonly loss: LossOptions
  readonly optimizer: OptimizerOptions
  readonly batch: number
  /** Batches whose gradients make one step, for batches that memory has no room for; 1. */
  readonly accumulation?: number
  /** Clips the norm of all gradients together to this. */
  readonly gradientNormMax?: number
  /** FedProx: a term that pulls back to an anchor; its strength comes with the job. */
  readonly proximal?: boolean
  /** SCAFFOLD: a correction of the gradients, which comes with the job. */
  readonly control?: boolean
  /** Keeps an average of the parameters beside them. */
  readonly average?: WeightAverageOptions
  /**
   * Names of the initializers to train, or patterns with * and ?: all float32 ones with axes where
   * left out.
   */
  readonly trainable?: readonly string[]
  /** Names or patterns of those that stay as they are, among the trainable ones. */
  readonly frozen?: readonly string[]
  /** The output that the loss judges, for a model with several. */
  readonly prediction?: string
  /** By what each BatchNormalization normalizes; as the file says where left out. */
  readonly batchNormalization?: BatchNormalizationMode
}

export interface PreparedTraining {
  readonly forward: ForwardModel
  readonly graphOptions: TrainingGraphOptions
  /** What every form says of itself. */
  readonly origin: {
    readonly version: typeof METADATA_VERSION
    readonly engine: string
    readonly source: string
  }
  /** What each form with a loss says of it. */
  readonly judged: ReturnType<typeof judgedOf>
  /** What a form with an optimizer says of it. */
  readonly optimized: ReturnType<typeof optimizedOf>
}

/** Reads the model and parses all settings, once for all forms that are built of them. */
export function prepareTraining(model: Uint8Array, options: TrainingOptions): PreparedTraining {
  const { batch, accumulation = 1, gradientNormMax } = options
  const judged = judgedOf(options)
  const optimized = optimizedOf(options)
  const { loss } = judged
  const forward = readForwardModel(model, {
    trainable: options.trainable,
    frozen: options.frozen,
    prediction: options.prediction ?? outputOf(loss),
    batchNormalization: options.batchNormalization,
  })
  if (forward.parameters.length === 0) {
    throw new GainnetError('MODEL_INVALID', 'nothing is left to train in the model')
  }
  return {
    forward,
    graphOptions: {
      loss: createLoss(loss),
      optimizer: createOptimizer(optimized.optimizer),
      batch,
      accumulation,
      terms: {
        proximal: options.proximal ?? false,
        control: options.control ?? false,
        gradientNormMax,
      },
      hasAverage: optimized.average !== undefined,
    },
    origin: originOf(model),
    judged,
    optimized,
  }
}

/** Which engine made a file, and out of which. */
export function originOf(model: Uint8Array) {
  return {
    version: METADATA_VERSION,
    engine: `gainnet ${packageVersion()}`,
    source: createHash('sha256').update(model).digest('hex'),
  } as const
}

function judgedOf({ batch, accumulation = 1, loss }: TrainingOptions) {
  return { batch, accumulation, loss: parseLoss(loss) }
}

function optimizedOf({ optimizer, gradientNormMax, average }: TrainingOptions) {
  return {
    optimizer: optimizerSchema.parse(optimizer),
    ...(gradientNormMax === undefined ? {} : { gradientNormMax }),
    ...(average ? { average: weightAverageSchema.parse(average) } : {}),
  }
}
