import { emitForward, type ForwardModel } from './forward-graph.ts'
import { GraphEmitter } from './graph-emitter.ts'
import { findLoss, type LossKind } from './loss/registry.ts'
import { buildModel } from './onnx/build.ts'
import { ELEMENT } from './onnx/element-type.ts'
import { encodeModel } from './onnx/onnx-codec.ts'

export interface EvaluationGraph {
  readonly bytes: Uint8Array
  readonly inputs: {
    readonly samples: string
    readonly labels: string
    readonly weights: string
    /** In the order of the model's parameters. */
    readonly parameters: readonly string[]
  }
  readonly outputs: { readonly loss: string; readonly prediction: string }
}

/** Forward pass and loss of one batch, the parameters as inputs: one ORT session for all versions. */
export function buildEvaluationGraph(
  model: ForwardModel,
  { loss: lossKind, batch }: { readonly loss: LossKind; readonly batch: number },
): EvaluationGraph {
  const graph = new GraphEmitter()
  const { elementType, sampleShape } = model.input
  const samples = graph.declare('samples', { elementType, shape: [batch, ...sampleShape] })
  const labels = graph.declare('labels', { elementType: ELEMENT.int32, shape: [batch] })
  const weights = graph.declare('weights', { elementType: ELEMENT.float, shape: [batch] })
  const parameters = new Map(
    model.parameters.map(({ name, shape }) => [
      name,
      graph.declare(graph.unique(`parameter.${name}`), { elementType: ELEMENT.float, shape }),
    ]),
  )
  const { prediction } = emitForward(graph, model, { input: samples, parameters, batch })
  const { loss } = findLoss(lossKind)(graph, { prediction, labels, weights })
  const inputs = { samples, labels, weights, parameters: [...parameters.values()] }
  const proto = graph.finish({
    name: 'evaluation',
    inputs: [samples, labels, weights, ...inputs.parameters],
    outputs: [loss, prediction],
  })
  return {
    bytes: encodeModel(buildModel({ graph: proto, opset: model.opset })),
    inputs,
    outputs: { loss, prediction },
  }
}
