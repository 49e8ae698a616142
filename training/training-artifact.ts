import { type ArtifactMetadata, METADATA_KEY } from './artifact-metadata.ts'
import { type ParameterInfo, readForwardModel } from './forward-graph.ts'
import type { LossKind } from './loss/registry.ts'
import { buildModel } from './onnx/build.ts'
import { encodeModel } from './onnx/onnx-codec.ts'
import { createOptimizer, type OptimizerOptions, optimizerSchema } from './optimizer/registry.ts'
import { buildTrainingGraph } from './training-graph.ts'

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
    readonly loss: LossKind
    readonly optimizer: OptimizerOptions
    readonly batch: number
    /** Names of the initializers to train: all float32 ones with axes where left out. */
    readonly trainable?: readonly string[]
  },
): TrainingArtifact {
  const { loss, batch, trainable } = options
  const forward = readForwardModel(model, { trainable })
  const optimizer = optimizerSchema.parse(options.optimizer)
  const { graph, roles, flopsPerSample } = buildTrainingGraph(forward, {
    loss,
    optimizer: createOptimizer(optimizer),
    batch,
  })
  const metadata: ArtifactMetadata = {
    form: 'training-scan',
    version: 1,
    batch,
    flopsPerSample,
    loss,
    optimizer,
    ...roles,
  }
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
