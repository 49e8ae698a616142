import { refuseStatistics } from '../forward/batch-statistics.ts'
import { GraphEmitter } from '../graph/graph-emitter.ts'
import { nameOutput } from '../graph/output-name.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { encodeForm } from './artifact-metadata.ts'
import { emitDeclaredBatch } from './batch-inputs.ts'
import { type GradientMetadata, gradientMetadataSchema } from './form-metadata.ts'
import type { PreparedTraining } from './training-options.ts'

/**
 * The mean gradients of a batch and its loss, nothing moved: for whoever averages, compresses or
 * noises gradients before a step is made of them. They are those of the loss alone, without the terms
 * that a step adds (FedProx, SCAFFOLD, clipping).
 */
export function buildGradientForm(prepared: PreparedTraining): Uint8Array {
  const { forward, graphOptions, origin, judged } = prepared
  refuseStatistics(forward.parameters, 'a form of gradients')
  const parameters = forward.parameters.map(parameter => ({
    ...parameter,
    shape: [...parameter.shape],
    input: `parameter.${parameter.name}`,
    gradient: `gradient.${parameter.name}`,
  }))
  const graph = new GraphEmitter()
  const given = parameters.map(({ input, shape }) =>
    graph.declare(input, { elementType: ELEMENT.float, shape }),
  )
  const { made, roles, inputs } = emitDeclaredBatch(graph, forward, {
    ...graphOptions,
    parameters: given,
  })
  const outputs = {
    loss: nameOutput(graph, made.loss, 'loss'),
    weightSum: nameOutput(graph, made.weightSum, 'weightSum'),
  }
  const gradients = parameters.map(({ gradient }, index) =>
    nameOutput(graph, made.gradients[index] ?? '', gradient),
  )
  const metadata = gradientMetadataSchema.parse({
    form: 'grad',
    ...origin,
    ...judged,
    flopsPerSample: made.flopsPerSample,
    inputs: roles,
    outputs,
    parameters,
  } satisfies GradientMetadata)
  const whole = graph.finish({
    name: 'gradients',
    inputs: [...inputs, ...given],
    outputs: [...gradients, ...Object.values(outputs)],
  })
  return encodeForm(whole, metadata)
}
