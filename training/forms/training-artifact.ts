import type { ParameterInfo } from '../forward/forward-graph.ts'
import { buildTrainingGraph } from '../step/training-graph.ts'
import { type ArtifactMetadata, artifactMetadataSchema, encodeForm } from './artifact-metadata.ts'
import { type PreparedTraining, prepareTraining, type TrainingOptions } from './training-options.ts'

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
  options: TrainingOptions,
): TrainingArtifact {
  const prepared = prepareTraining(model, options)
  const { parameters, initialParameters } = prepared.forward
  const { bytes, flopsPerSample } = buildScanForm(prepared)
  return { bytes, parameters, initialParameters, flopsPerSample, batch: options.batch }
}

export function buildScanForm(prepared: PreparedTraining): {
  readonly bytes: Uint8Array
  readonly flopsPerSample: number
} {
  const { forward, graphOptions, origin, judged, optimized } = prepared
  const { graph, roles, flopsPerSample } = buildTrainingGraph(forward, graphOptions)
  // Numbers that cannot be are refused here, and not by whoever reads the artifact.
  const metadata = artifactMetadataSchema.parse({
    form: 'scan',
    ...origin,
    ...judged,
    flopsPerSample,
    ...optimized,
    ...roles,
  } satisfies ArtifactMetadata)
  return { bytes: encodeForm(graph, metadata), flopsPerSample }
}
