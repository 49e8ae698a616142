import { GainnetError } from '../runtime/errors.ts'
import { buildBackwardGraph } from './backward-graph.ts'
import { countForwardFlops, TRAINING_TO_FORWARD } from './flop-count.ts'
import { emitForward, type ForwardModel } from './forward-graph.ts'
import type { GraphEmitter, ValueName } from './graph-emitter.ts'
import type { LabelType, Loss } from './loss/loss.ts'
import { ELEMENT } from './onnx/element-type.ts'

/** Names of the data set around a Scan: its body gathers rows of them. */
export const DATASET = { samples: 'data.samples', labels: 'data.labels' } as const

export interface BatchOptions {
  readonly loss: Loss
  readonly batch: number
  /** In the order of the model's parameters. */
  readonly parameters: readonly ValueName[]
  readonly rows: ValueName
  readonly weights: ValueName
}

export interface BatchGradients {
  readonly loss: ValueName
  readonly weightSum: ValueName
  /** In the order of the model's parameters. */
  readonly gradients: readonly ValueName[]
  /** Undefined where the loss needs no labels. */
  readonly labelType: LabelType | undefined
  readonly flopsPerSample: number
}

/** Forward pass, loss and backward pass of one batch, whose rows are gathered out of the data set. */
export function emitBatchGradients(
  graph: GraphEmitter,
  model: ForwardModel,
  options: BatchOptions,
): BatchGradients {
  const { loss, batch, parameters, rows, weights } = options
  const { elementType, sampleShape } = model.input
  const input = gather(graph, { name: DATASET.samples, elementType, sampleShape, rows })
  const named = new Map(model.parameters.map(({ name }, index) => [name, parameters[index] ?? '']))
  const forward = emitForward(graph, model, {
    input,
    parameters: named,
    batch,
    purpose: 'training',
  })
  const { prediction } = forward
  const labelType = loss.labelType(graph.shape(prediction))
  const labels = labelType
    ? gather(graph, {
        name: DATASET.labels,
        elementType: labelElement(labelType),
        sampleShape: labelType.sampleShape,
        rows,
      })
    : input
  const made = loss.emit(graph, { prediction, labels, weights })
  const gradients = buildBackwardGraph({
    graph,
    nodes: forward.nodes,
    seeds: new Map([[prediction, made.predictionGradient]]),
    wanted: parameters,
  })
  const flopCount = TRAINING_TO_FORWARD * countForwardFlops(graph, forward.nodes)
  return {
    loss: made.loss,
    weightSum: made.weightSum,
    gradients: model.parameters.map(({ name }) => {
      const gradient = gradients.get(named.get(name) ?? '')
      if (gradient !== undefined) return gradient
      throw new GainnetError(
        'MODEL_INVALID',
        `the loss does not depend on the parameter ${name}: leave it out of trainable`,
        { parameter: name },
      )
    }),
    labelType,
    flopsPerSample: flopCount / batch,
  }
}

export function labelElement({ elementType }: LabelType) {
  return elementType === 'int32' ? ELEMENT.int32 : ELEMENT.float
}

/** This batch's rows of what is around the body. */
function gather(
  graph: GraphEmitter,
  source: {
    readonly name: string
    readonly elementType: ForwardModel['input']['elementType']
    readonly sampleShape: readonly number[]
    readonly rows: ValueName
  },
): ValueName {
  const { name, elementType, sampleShape, rows } = source
  // How many samples there are is not known here; gathering rows never asks.
  const all = graph.declare(name, { elementType, shape: [-1, ...sampleShape] })
  return graph.emit('Gather', [all, rows])
}
