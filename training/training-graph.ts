import { GainnetError } from '../runtime/errors.ts'
import type { ArtifactMetadata } from './artifact-metadata.ts'
import { buildBackwardGraph } from './backward-graph.ts'
import { countForwardFlops, TRAINING_TO_FORWARD } from './flop-count.ts'
import { emitForward, type ForwardModel } from './forward-graph.ts'
import { GraphEmitter, type ValueName } from './graph-emitter.ts'
import { findLoss, type LossKind } from './loss/registry.ts'
import { attr } from './onnx/attribute.ts'
import { buildNode, buildValueInfo } from './onnx/build.ts'
import { ELEMENT } from './onnx/element-type.ts'
import type { GraphProto } from './onnx/onnx-proto.ts'
import type { Optimizer } from './optimizer/optimizer.ts'

export interface TrainingGraphOptions {
  readonly loss: LossKind
  readonly optimizer: Optimizer
  readonly batch: number
}

export type TrainingRoles = Pick<ArtifactMetadata, 'inputs' | 'outputs' | 'parameters'>

export interface TrainingGraph {
  readonly graph: GraphProto
  readonly roles: TrainingRoles
  readonly flopsPerSample: number
}

/**
 * Any number of training steps as one run. The graph is a single Scan (ONNX Operators.md, Scan-16):
 * its state are the parameters and the optimizer's slots, it scans over the rows, weights and scalars
 * of each step, and gives the loss of each. The data set comes in whole from outside of the body and
 * is gathered by row, so that shuffling costs one array of indices.
 *
 * Names in the body begin with "step.", names around it with something else: a body sees both.
 */
export function buildTrainingGraph(
  model: ForwardModel,
  options: TrainingGraphOptions,
): TrainingGraph {
  const roles = assignRoles(model, options.optimizer)
  const { body, flopsPerSample } = buildStep(model, options, roles)
  return { graph: buildScan(model, roles, body, options.batch), roles, flopsPerSample }
}

function assignRoles(model: ForwardModel, { slots, scalars }: Optimizer): TrainingRoles {
  const { elementType, sampleShape } = model.input
  return {
    inputs: {
      samples: { name: 'data.samples', elementType, sampleShape: [...sampleShape] },
      labels: 'data.labels',
      rows: 'schedule.rows',
      weights: 'schedule.weights',
      scalars: scalars.map(scalar => `schedule.${scalar}`),
    },
    outputs: { losses: 'losses' },
    parameters: model.parameters.map(parameter => ({
      ...parameter,
      shape: [...parameter.shape],
      input: `parameter.${parameter.name}`,
      output: `updated.${parameter.name}`,
      slots: slots.map(slot => ({
        input: `${slot}.${parameter.name}`,
        output: `updated.${slot}.${parameter.name}`,
      })),
    })),
  }
}

function buildStep(
  model: ForwardModel,
  { loss: lossKind, optimizer, batch }: TrainingGraphOptions,
  roles: TrainingRoles,
): { readonly body: GraphProto; readonly flopsPerSample: number } {
  const graph = new GraphEmitter('step.')
  const float = (wish: string, shape: readonly number[]) =>
    graph.declare(graph.unique(wish), { elementType: ELEMENT.float, shape })
  const states = roles.parameters.map(({ name, shape }) => ({
    name,
    parameter: float(name, shape),
    slots: optimizer.slots.map(slot => float(`${slot}.${name}`, shape)),
  }))
  const rows = graph.declare(graph.unique('rows'), { elementType: ELEMENT.int32, shape: [batch] })
  const weights = float('weights', [batch])
  const scalars = optimizer.scalars.map(scalar => float(scalar, []))

  const { input, labels } = gatherBatch(graph, model, roles, rows)
  const parameters = new Map(states.map(({ name, parameter }) => [name, parameter]))
  const forward = emitForward(graph, model, { input, parameters, batch })
  const { prediction } = forward
  const { loss, predictionGradient } = findLoss(lossKind)(graph, { prediction, labels, weights })
  const gradients = buildBackwardGraph({
    graph,
    nodes: forward.nodes,
    seeds: new Map([[prediction, predictionGradient]]),
    wanted: states.map(({ parameter }) => parameter),
  })
  const updates = states.map(({ name, parameter, slots }) => {
    const gradient = gradients.get(parameter)
    if (gradient !== undefined) {
      return optimizer.emit(graph, { parameter, gradient, slots, scalars })
    }
    throw new GainnetError(
      'MODEL_INVALID',
      `the loss does not depend on the parameter ${name}: leave it out of trainable`,
      { parameter: name },
    )
  })
  const body = graph.finish({
    name: 'step',
    inputs: [...states.flatMap(flat), rows, weights, ...scalars],
    outputs: [...updates.flatMap(flat), loss],
  })
  const flopCount = TRAINING_TO_FORWARD * countForwardFlops(graph, forward.nodes)
  return { body, flopsPerSample: flopCount / batch }
}

function flat(state: { readonly parameter: ValueName; readonly slots: readonly ValueName[] }) {
  return [state.parameter, ...state.slots]
}

/** Samples and labels of this step's rows, out of the data set around the body. */
function gatherBatch(
  graph: GraphEmitter,
  { input: { elementType, sampleShape } }: ForwardModel,
  { inputs }: TrainingRoles,
  rows: ValueName,
) {
  // How many samples there are is not known here; gathering rows never asks.
  const samples = graph.declare(inputs.samples.name, { elementType, shape: [-1, ...sampleShape] })
  const labels = graph.declare(inputs.labels, { elementType: ELEMENT.int32, shape: [-1] })
  return {
    input: graph.emit('Gather', [samples, rows]),
    labels: graph.emit('Gather', [labels, rows]),
  }
}

function buildScan(
  model: ForwardModel,
  roles: TrainingRoles,
  body: GraphProto,
  batch: number,
): GraphProto {
  const { samples, labels, rows, weights, scalars } = roles.inputs
  const scanned = [rows, weights, ...scalars]
  const states = roles.parameters.flatMap(({ shape, input, output, slots }) =>
    [{ input, output }, ...slots].map(state => ({ ...state, shape })),
  )
  const scan = buildNode({
    opType: 'Scan',
    inputs: [...states.map(({ input }) => input), ...scanned],
    outputs: [...states.map(({ output }) => output), roles.outputs.losses],
    attributes: [attr.graph('body', body), attr.int('num_scan_inputs', scanned.length)],
    name: 'steps',
  })
  const { elementType, sampleShape } = model.input
  return {
    node: [scan],
    name: 'training',
    initializer: [],
    input: [
      buildValueInfo(samples.name, elementType, ['samples', ...sampleShape]),
      buildValueInfo(labels, ELEMENT.int32, ['samples']),
      ...states.map(({ input, shape }) => buildValueInfo(input, ELEMENT.float, shape)),
      buildValueInfo(rows, ELEMENT.int32, ['steps', batch]),
      buildValueInfo(weights, ELEMENT.float, ['steps', batch]),
      ...scalars.map(name => buildValueInfo(name, ELEMENT.float, ['steps'])),
    ],
    output: [
      ...states.map(({ output, shape }) => buildValueInfo(output, ELEMENT.float, shape)),
      buildValueInfo(roles.outputs.losses, ELEMENT.float, ['steps']),
    ],
    valueInfo: [],
  }
}
