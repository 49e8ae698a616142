import { labelElement } from './batch-gradients.ts'
import { emitForward, type ForwardModel } from './forward-graph.ts'
import { GraphEmitter } from './graph-emitter.ts'
import type { LabelType, Loss } from './loss/loss.ts'
import { buildModel } from './onnx/build.ts'
import { ELEMENT } from './onnx/element-type.ts'
import { encodeModel } from './onnx/onnx-codec.ts'

export interface EvaluationGraph {
  readonly bytes: Uint8Array
  readonly inputs: {
    readonly samples: string
    /** Undefined where the loss needs none. */
    readonly labels: (LabelType & { readonly name: string }) | undefined
    readonly weights: string
    /** In the order of the model's parameters. */
    readonly parameters: readonly string[]
  }
  readonly outputs: {
    readonly loss: string
    readonly weightSum: string
    readonly prediction: string
  }
}

/** Forward pass and loss of one batch, the parameters as inputs: one ORT session for all versions. */
export function buildEvaluationGraph(
  model: ForwardModel,
  { loss, batch }: { readonly loss: Loss; readonly batch: number },
): EvaluationGraph {
  const graph = new GraphEmitter()
  const { elementType, sampleShape } = model.input
  const samples = graph.declare('samples', { elementType, shape: [batch, ...sampleShape] })
  const weights = graph.declare('weights', { elementType: ELEMENT.float, shape: [batch] })
  const parameters = new Map(
    model.parameters.map(({ name, shape }) => [
      name,
      graph.declare(graph.unique(`parameter.${name}`), { elementType: ELEMENT.float, shape }),
    ]),
  )
  const { prediction } = emitForward(graph, model, {
    input: samples,
    parameters,
    batch,
    purpose: 'inference',
  })
  const labelType = loss.labelType(graph.shape(prediction))
  const labels = labelType && {
    ...labelType,
    name: graph.declare('labels', {
      elementType: labelElement(labelType),
      shape: [batch, ...labelType.sampleShape],
    }),
  }
  const made = loss.emit(graph, { prediction, labels: labels?.name ?? samples, weights })
  const inputs = { samples, labels, weights, parameters: [...parameters.values()] }
  const outputs = { loss: made.loss, weightSum: made.weightSum, prediction }
  const proto = graph.finish({
    name: 'evaluation',
    inputs: [samples, ...(labels ? [labels.name] : []), weights, ...inputs.parameters],
    outputs: Object.values(outputs),
  })
  return {
    bytes: encodeModel(buildModel({ graph: proto, opset: model.opset })),
    inputs,
    outputs,
  }
}
