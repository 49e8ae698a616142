import { emitEvaluation } from '../step/evaluation-graph.ts'
import { encodeForm } from './artifact-metadata.ts'
import { type EvaluationMetadata, evaluationMetadataSchema } from './form-metadata.ts'
import type { PreparedTraining } from './training-options.ts'

/** The mean loss of a batch, the weight it stands for, and what was predicted; nothing is dropped. */
export function buildEvaluationForm(prepared: PreparedTraining): Uint8Array {
  const { forward, graphOptions, origin, judged } = prepared
  const { batch, accumulation } = graphOptions
  const rowCount = batch * accumulation
  const { graph, roles } = emitEvaluation(forward, { ...graphOptions, batch: rowCount })
  const { samples, labels, weights, parameters } = roles.inputs
  const metadata = evaluationMetadataSchema.parse({
    form: 'eval',
    ...origin,
    ...judged,
    inputs: {
      samples: samples.map(input => ({ ...input, sampleShape: [...input.sampleShape] })),
      ...(labels ? { labels: { ...labels, sampleShape: [...labels.sampleShape] } } : {}),
      weights,
    },
    outputs: roles.outputs,
    parameters: forward.parameters.map((parameter, index) => ({
      ...parameter,
      shape: [...parameter.shape],
      input: parameters[index] ?? '',
    })),
  } satisfies EvaluationMetadata)
  return encodeForm(graph, metadata)
}
