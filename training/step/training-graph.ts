import type { ArtifactMetadata } from '../forms/artifact-metadata.ts'
import { drawsMasks } from '../forward/dropout-mask.ts'
import type { ForwardModel } from '../forward/forward-graph.ts'
import { GraphEmitter } from '../graph/graph-emitter.ts'
import type { Loss } from '../loss/loss.ts'
import { attr } from '../onnx/attribute.ts'
import { buildNode, buildValueInfo } from '../onnx/build.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import type { GraphProto } from '../onnx/onnx-proto.ts'
import { emitAccumulatedGradients } from './accumulated-gradients.ts'
import { emitBatchGradients, gatherRows } from './batch-gradients.ts'
import { dataRoles, labelElement } from './data-roles.ts'
import { aroundJointStates, type JointMember } from './joint-states.ts'
import {
  assignParameterRoles,
  assignScheduleRoles,
  carriedStates,
  declareStates,
  emitUpdates,
  fixedInputs,
  jointMembers,
  shapedStates,
  type UpdateOptions,
  withRows,
} from './parameter-updates.ts'

export interface TrainingGraphOptions extends UpdateOptions {
  readonly loss: Loss
  readonly batch: number
  readonly accumulation: number
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
  const assigned = assignParameterRoles(model.parameters, options)
  const schedule = assignScheduleRoles(options)
  const members = jointMembers(options.optimizer, assigned)
  const parameters = withRows(assigned, members)
  const { body, labelType, flopsPerSample } = buildStep(model, {
    ...options,
    ...{ parameters, schedule, members },
  })
  const roles = {
    inputs: {
      ...dataRoles(model, labelType),
      rows: 'schedule.rows',
      weights: 'schedule.weights',
      ...(drawsMasks(model.graph) ? { maskKeys: 'schedule.maskKeys' } : {}),
      ...schedule,
    },
    outputs: { losses: 'losses' },
    parameters,
  }
  const graph = buildScan(roles, { body, members, rowShape: rowShape(options) })
  return { graph, roles, flopsPerSample }
}

/** Of the rows of one step. */
function rowShape({ batch, accumulation }: TrainingGraphOptions): readonly number[] {
  return accumulation === 1 ? [batch] : [accumulation, batch]
}

/** Of the keys of one step: one for each batch. */
function keyShape(options: TrainingGraphOptions): readonly number[] {
  return rowShape(options).slice(0, -1)
}

function buildStep(
  model: ForwardModel,
  options: TrainingGraphOptions & {
    readonly parameters: ReturnType<typeof assignParameterRoles>
    readonly schedule: ReturnType<typeof assignScheduleRoles>
    readonly members: readonly JointMember[]
  },
) {
  const { loss, batch, accumulation } = options
  const graph = new GraphEmitter('step.')
  const declared = declareStates(graph, options.parameters, options.schedule, options.members)
  const rowType = { elementType: ELEMENT.int32, shape: rowShape(options) }
  const rows = graph.declare(graph.unique('rows'), rowType)
  const weights = graph.declare(graph.unique('weights'), { ...rowType, elementType: ELEMENT.float })
  const keys = drawsMasks(model.graph)
    ? [
        graph.declare(graph.unique('maskKeys'), {
          elementType: ELEMENT.int32,
          shape: keyShape(options),
        }),
      ]
    : []
  const parameters = declared.states.map(({ parameter }) => parameter)
  const batches = { loss, batch, parameters, weights, maskKey: keys[0] }
  const made =
    accumulation === 1
      ? emitBatchGradients(graph, model, { ...batches, read: gatherRows(graph, rows) })
      : emitAccumulatedGradients(graph, model, { ...batches, rows, accumulation })
  const updated = emitUpdates(graph, declared, { ...options, gradients: made.gradients })
  const { inputs, scalars, averageRate } = declared
  const body = graph.finish({
    name: 'step',
    inputs: [...inputs, rows, weights, ...keys, ...scalars, ...(averageRate ? [averageRate] : [])],
    outputs: [...updated, made.loss],
  })
  return { body, labelType: made.labelType, flopsPerSample: made.flopsPerSample }
}

function buildScan(
  roles: TrainingRoles,
  given: {
    readonly body: GraphProto
    readonly members: readonly JointMember[]
    readonly rowShape: readonly number[]
  },
): GraphProto {
  const { body, members, rowShape } = given
  const { samples, labels, rows, weights, maskKeys, scalars, averageRate } = roles.inputs
  const series = [...scalars, ...(averageRate ? [averageRate] : [])]
  const keys = maskKeys === undefined ? [] : [maskKeys]
  const scanned = [rows, weights, ...keys, ...series]
  const states = shapedStates(roles.parameters)
  const carried = carriedStates(roles.parameters, members)
  const around = aroundJointStates(members)
  const scan = buildNode({
    opType: 'Scan',
    inputs: [...carried.map(({ input }) => input), ...scanned],
    outputs: [...carried.map(({ output }) => output), roles.outputs.losses],
    attributes: [attr.graph('body', body), attr.int('num_scan_inputs', scanned.length)],
    name: 'steps',
  })
  const float = ({ name, shape }: { name: string; shape: readonly (number | string)[] }) =>
    buildValueInfo(name, ELEMENT.float, shape)
  return {
    node: [...around.before, scan, ...around.after],
    name: 'training',
    initializer: around.initializer,
    input: [
      ...samples.map(({ input, elementType, sampleShape }) =>
        buildValueInfo(input, elementType, ['samples', ...sampleShape]),
      ),
      ...(labels
        ? [buildValueInfo(labels.name, labelElement(labels), ['samples', ...labels.sampleShape])]
        : []),
      ...states.map(({ input, shape }) => float({ name: input, shape })),
      ...fixedInputs(roles.parameters, roles.inputs).map(float),
      buildValueInfo(rows, ELEMENT.int32, ['steps', ...rowShape]),
      float({ name: weights, shape: ['steps', ...rowShape] }),
      ...keys.map(name => buildValueInfo(name, ELEMENT.int32, ['steps', ...rowShape.slice(0, -1)])),
      ...series.map(name => float({ name, shape: ['steps'] })),
    ],
    output: [
      ...states.map(({ output, shape }) => float({ name: output, shape })),
      float({ name: roles.outputs.losses, shape: ['steps'] }),
    ],
    valueInfo: [],
  }
}
