import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { emitForward, type ForwardModel, readForwardModel } from '../forward/forward-graph.ts'
import { dataElement } from '../forward/model-input.ts'
import { buildBackwardGraph } from '../graph/backward-graph.ts'
import { countForwardFlops, TRAINING_TO_FORWARD } from '../graph/flop-count.ts'
import { GraphEmitter } from '../graph/graph-emitter.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { decodeModel } from '../onnx/onnx-codec.ts'

export type Trainability =
  | {
      readonly isTrainable: true
      /** As asked for, or the one that the file lays down. */
      readonly batch: number
      /** Whether the file lays it down, so that the model runs in no other. */
      readonly batchIsFixed: boolean
      readonly prediction: string
      readonly predictionShape: readonly number[]
      readonly tensorCount: number
      readonly parameterCount: number
      readonly trainable: readonly string[]
      /** Parameters that do not reach the output: to be frozen, for training wants a gradient of each. */
      readonly withoutGradient: readonly string[]
      /** Of matrix products, for the forward pass and for a whole step. */
      readonly flopsPerSample: { readonly forward: number; readonly training: number }
    }
  | { readonly isTrainable: false; readonly reason: string; readonly code: string }

export interface TrainabilityOptions {
  readonly batch: number
  readonly output?: string
  readonly trainable?: readonly string[]
  readonly frozen?: readonly string[]
}

/**
 * Builds the gradients of the model to see whether that can be done: of the output named, or of the
 * first for which it can.
 */
export function tryTraining(bytes: Uint8Array, options: TrainabilityOptions): Trainability {
  const outputs = options.output
    ? [options.output]
    : (decodeModel(bytes).graph?.output ?? []).map(({ name = '' }) => name)
  let refused: Trainability | undefined
  const fixed = fixedBatch(bytes)
  const batches = fixed === undefined ? [options.batch] : [options.batch, fixed]
  for (const prediction of outputs) {
    for (const batch of batches) {
      const given = { ...options, batch, batchIsFixed: batch === fixed }
      const made = tryOutput(bytes, prediction, given)
      if (made.isTrainable) return made
      refused ??= made
    }
  }
  return refused ?? { isTrainable: false, reason: 'the model has no output', code: 'MODEL_INVALID' }
}

/** Exports of one sample may have its count in their inner shapes, too. */
function fixedBatch(bytes: Uint8Array): number | undefined {
  const [input] = decodeModel(bytes).graph?.input ?? []
  const size = input?.type?.tensorType?.shape?.dim[0]?.dimValue
  return size !== undefined && size > 0 ? size : undefined
}

function tryOutput(
  bytes: Uint8Array,
  prediction: string,
  options: TrainabilityOptions & { readonly batchIsFixed: boolean },
): Trainability {
  try {
    const { trainable, frozen } = options
    const model = readForwardModel(bytes, { prediction, trainable, frozen })
    if (model.parameters.length === 0) {
      throw new GainnetError('MODEL_INVALID', 'it has no float32 initializer with axes')
    }
    return measure(model, options)
  } catch (error) {
    if (!(error instanceof GainnetError)) throw error
    return { isTrainable: false, reason: messageOf(error), code: error.code }
  }
}

function measure(
  model: ForwardModel,
  { batch, batchIsFixed }: { readonly batch: number; readonly batchIsFixed: boolean },
): Trainability {
  const graph = new GraphEmitter()
  const inputs = model.inputs.map(input => {
    const type = { elementType: dataElement(input), shape: [batch, ...input.sampleShape] }
    return [input.name, graph.declare(graph.unique(input.name), type)] as const
  })
  const parameters = model.parameters.map(({ name, shape }) => {
    const type = { elementType: ELEMENT.float, shape }
    return [name, graph.declare(graph.unique(`parameter.${name}`), type)] as const
  })
  const { nodes, prediction } = emitForward(graph, model, {
    inputs: new Map(inputs),
    parameters: new Map(parameters),
    batch,
    purpose: 'training',
  })
  const forward = countForwardFlops(graph, nodes) / batch
  const shape = graph.shape(prediction)
  const found = buildBackwardGraph({
    graph,
    nodes,
    seeds: new Map([[prediction, graph.zeros(shape, prediction)]]),
    wanted: parameters.map(([, name]) => name),
  })
  const withoutGradient = parameters.flatMap(([name, value]) => (found.has(value) ? [] : [name]))
  if (withoutGradient.length === parameters.length) {
    throw new GainnetError('MODEL_INVALID', `no parameter reaches the output ${model.prediction}`)
  }
  const reached = model.parameters.filter(({ name }) => !withoutGradient.includes(name))
  return {
    isTrainable: true,
    batch,
    batchIsFixed,
    prediction: model.prediction,
    predictionShape: shape.slice(1),
    tensorCount: reached.length,
    parameterCount: reached.reduce((sum, { count }) => sum + count, 0),
    trainable: reached.map(({ name }) => name),
    withoutGradient,
    flopsPerSample: { forward, training: TRAINING_TO_FORWARD * forward },
  }
}
