import { emitForward, type ForwardModel } from '../forward/forward-graph.ts'
import { GraphEmitter } from '../graph/graph-emitter.ts'
import { nameOutput } from '../graph/output-name.ts'
import type { LabelType, Loss } from '../loss/loss.ts'
import { buildModel } from '../onnx/build.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { encodeModel } from '../onnx/onnx-codec.ts'
import type { GraphProto } from '../onnx/onnx-proto.ts'
import type { DataInput } from '../samples/samples.ts'
import { declareBatch, emitLoss, readSamples } from './batch-gradients.ts'
import { dataRoles } from './data-roles.ts'

export interface EvaluationRoles {
  readonly inputs: {
    /** As the data set holds them, in the order of the model's inputs. */
    readonly samples: readonly DataInput[]
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

export interface EvaluationGraph extends EvaluationRoles {
  readonly bytes: Uint8Array
}

/** Forward pass and loss of one batch, the parameters as inputs: one ORT session for all versions. */
export function buildEvaluationGraph(
  model: ForwardModel,
  options: { readonly loss: Loss; readonly batch: number },
): EvaluationGraph {
  const { graph, roles } = emitEvaluation(model, options)
  return { ...roles, bytes: encodeModel(buildModel({ graph, opset: model.opset })) }
}

export function emitEvaluation(
  model: ForwardModel,
  { loss, batch }: { readonly loss: Loss; readonly batch: number },
): { readonly graph: GraphProto; readonly roles: EvaluationRoles } {
  const graph = new GraphEmitter()
  const read = declareBatch(graph, batch)
  const inputs = readSamples(model, read)
  const weights = graph.declare('weights', { elementType: ELEMENT.float, shape: [batch] })
  const parameters = new Map(
    model.parameters.map(({ name, shape }) => [
      name,
      graph.declare(`parameter.${name}`, { elementType: ELEMENT.float, shape }),
    ]),
  )
  const given = { inputs, parameters, batch, purpose: 'inference' } as const
  const { prediction } = emitForward(graph, model, given)
  const made = emitLoss(graph, { loss, prediction, inputs, weights, read })
  const { samples, labels } = dataRoles(model, made.labelType)
  const outputs = {
    loss: nameOutput(graph, made.loss, 'loss'),
    weightSum: nameOutput(graph, made.weightSum, 'weightSum'),
    prediction: nameOutput(graph, prediction, 'prediction'),
  }
  const taken = [...inputs.values(), ...(labels ? [labels.name] : [])]
  const named = [...parameters.values()]
  return {
    graph: graph.finish({
      name: 'evaluation',
      inputs: [...taken, weights, ...named],
      outputs: Object.values(outputs),
    }),
    roles: { inputs: { samples, labels, weights, parameters: named }, outputs },
  }
}
