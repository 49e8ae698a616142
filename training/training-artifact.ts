import { type ArtifactMetadata, artifactMetadataSchema, METADATA_KEY } from './artifact-metadata.ts'
import { type ParameterInfo, readForwardModel } from './forward-graph.ts'
import { createLoss, type LossOptions, outputOf, parseLoss } from './loss/registry.ts'
import { buildModel } from './onnx/build.ts'
import { encodeModel } from './onnx/onnx-codec.ts'
import { createOptimizer, type OptimizerOptions, optimizerSchema } from './optimizer/registry.ts'
import { buildTrainingGraph } from './training-graph.ts'
import { type WeightAverageOptions, weightAverageSchema } from './weight-average.ts'

export interface TrainingArtifact {
  /** An ONNX file that trains, without any weights. It describes itself: readTrainingArtifact. */
  readonly bytes: Uint8Array
  readonly parameters: readonly ParameterInfo[]
  /** What the model came with, in the order of `parameters`. */
  readonly initialParameters: Float32Array
  readonly flopsPerSample: number
  readonly batch: number
}

/**
 * Turns an ONNX model into one that trains it: forward pass, loss, backward pass and optimizer as
 * standard operators. Equal arguments give equal bytes. Fails with MODEL_INVALID, or with
 * GRADIENT_UNSUPPORTED_OP where an operator on the way from a parameter to the loss has no rule.
 */
export function buildTrainingArtifact(
  model: Uint8Array,
  options: {
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
    /** Names of the initializers to train: all float32 ones with axes where left out. */
    readonly trainable?: readonly string[]
  },
): TrainingArtifact {
  const { batch, accumulation = 1, trainable, gradientNormMax } = options
  const average = options.average && weightAverageSchema.parse(options.average)
  const loss = parseLoss(options.loss)
  const forward = readForwardModel(model, { trainable, prediction: outputOf(loss) })
  const optimizer = optimizerSchema.parse(options.optimizer)
  const { graph, roles, flopsPerSample } = buildTrainingGraph(forward, {
    loss: createLoss(loss),
    optimizer: createOptimizer(optimizer),
    batch,
    accumulation,
    terms: {
      proximal: options.proximal ?? false,
      control: options.control ?? false,
      gradientNormMax,
    },
    hasAverage: average !== undefined,
  })
  // Numbers that cannot be are refused here, and not by whoever reads the artifact.
  const metadata = artifactMetadataSchema.parse({
    form: 'training-scan',
    version: 2,
    batch,
    accumulation,
    flopsPerSample,
    loss,
    optimizer,
    ...(gradientNormMax === undefined ? {} : { gradientNormMax }),
    ...(average ? { average } : {}),
    ...roles,
  } satisfies ArtifactMetadata)
  const bytes = encodeModel(
    buildModel({
      graph,
      opset: forward.opset,
      metadata: { [METADATA_KEY]: JSON.stringify(metadata) },
    }),
  )
  const { parameters, initialParameters } = forward
  return { bytes, parameters, initialParameters, flopsPerSample, batch }
}
