import { GainnetError } from '../../runtime/errors.ts'
import { emitForward, type ForwardModel } from '../forward/forward-graph.ts'
import { dataElement } from '../forward/model-input.ts'
import { buildBackwardGraph } from '../graph/backward-graph.ts'
import { countForwardFlops, TRAINING_TO_FORWARD } from '../graph/flop-count.ts'
import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import type { LabelType, Loss } from '../loss/loss.ts'
import type { ElementType } from '../onnx/element-type.ts'
import { DATASET, labelElement } from './data-roles.ts'

/** What a batch is taken from: an input of the graph, or of the one around it. */
export interface DataSource {
  readonly name: string
  readonly elementType: ElementType
  readonly sampleShape: readonly number[]
}

export type ReadBatch = (source: DataSource) => ValueName

export interface BatchOptions {
  readonly loss: Loss
  readonly batch: number
  /** In the order of the model's parameters. */
  readonly parameters: readonly ValueName[]
  readonly weights: ValueName
  /** As emitForward takes it. */
  readonly maskKey?: ValueName | undefined
}

export interface BatchGradients {
  readonly loss: ValueName
  readonly weightSum: ValueName
  /** In the order of the model's parameters; for a running statistic what it is after the batch. */
  readonly gradients: readonly ValueName[]
  /** Undefined where the loss needs no labels. */
  readonly labelType: LabelType | undefined
  readonly flopsPerSample: number
}

/** Forward pass, loss and backward pass of one batch. */
export function emitBatchGradients(
  graph: GraphEmitter,
  model: ForwardModel,
  options: BatchOptions & { readonly read: ReadBatch },
): BatchGradients {
  const { batch, parameters } = options
  const inputs = readSamples(model, options.read)
  const named = new Map(model.parameters.map(({ name }, index) => [name, parameters[index] ?? '']))
  const forward = emitForward(graph, model, {
    inputs,
    parameters: named,
    batch,
    purpose: 'training',
    maskKey: options.maskKey,
  })
  const made = emitLoss(graph, { ...options, inputs, prediction: forward.prediction })
  const gradients = buildBackwardGraph({
    graph,
    nodes: forward.nodes,
    seeds: new Map([[forward.prediction, made.predictionGradient]]),
    wanted: parameters.filter((_, index) => !model.parameters[index]?.updated),
  })
  const moved = new Map(gradients)
  for (const { name, updated } of model.parameters) {
    if (updated) moved.set(named.get(name) ?? '', forward.values.get(updated) ?? '')
  }
  const flopCount = TRAINING_TO_FORWARD * countForwardFlops(graph, forward.nodes)
  return {
    loss: made.loss,
    weightSum: made.weightSum,
    gradients: gradientsOf(named, moved),
    labelType: made.labelType,
    flopsPerSample: flopCount / batch,
  }
}

/** The batch of each of the model's inputs, by its name. */
export function readSamples(
  model: Pick<ForwardModel, 'inputs'>,
  read: ReadBatch,
): ReadonlyMap<string, ValueName> {
  return new Map(
    model.inputs.map(input => {
      const { name, sampleShape } = input
      const source = { name: DATASET.samples(name), elementType: dataElement(input), sampleShape }
      return [name, read(source)] as const
    }),
  )
}

/** The loss of a prediction, by the labels of the batch or, where it needs none, its samples. */
export function emitLoss(
  graph: GraphEmitter,
  given: {
    readonly loss: Loss
    readonly prediction: ValueName
    readonly inputs: ReadonlyMap<string, ValueName>
    readonly weights: ValueName
    readonly read: ReadBatch
  },
) {
  const { loss, prediction, inputs, weights, read } = given
  const labelType = loss.labelType(graph.shape(prediction))
  // A model that rebuilds its samples has them as its first input.
  const [first = ''] = inputs.values()
  const labels = labelType
    ? read({ ...labelType, name: DATASET.labels, elementType: labelElement(labelType) })
    : first
  return { ...loss.emit(graph, { prediction, labels, weights }), labelType }
}

/** In the order of the parameters. */
export function gradientsOf(
  parameters: ReadonlyMap<string, ValueName>,
  gradients: ReadonlyMap<ValueName, ValueName>,
): readonly ValueName[] {
  return Array.from(parameters, ([name, value]) => {
    const gradient = gradients.get(value)
    if (gradient !== undefined) return gradient
    throw new GainnetError(
      'MODEL_INVALID',
      `the loss does not depend on the parameter ${name}: leave it out of trainable`,
      { parameter: name },
    )
  })
}

/** Reads a batch by the rows of what is around the body. */
export function gatherRows(graph: GraphEmitter, rows: ValueName): ReadBatch {
  return ({ name, elementType, sampleShape }) => {
    // How many samples there are is not known here; gathering rows never asks.
    const all = graph.declare(name, { elementType, shape: [-1, ...sampleShape] })
    return graph.emit('Gather', [all, rows])
  }
}

/** Takes a batch as an input of the graph itself. */
export function declareBatch(graph: GraphEmitter, batch: number): ReadBatch {
  return ({ name, elementType, sampleShape }) =>
    graph.declare(name, { elementType, shape: [batch, ...sampleShape] })
}
