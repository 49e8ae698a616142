import { emitAccumulatedGradients } from './accumulated-gradients.ts'
import { type ArtifactMetadata, stateTensors } from './artifact-metadata.ts'
import { DATASET, emitBatchGradients, labelElement } from './batch-gradients.ts'
import type { ForwardModel } from './forward-graph.ts'
import { emitGradientTerms, type GradientTerms, TERM_INPUT } from './gradient-terms.ts'
import { GraphEmitter, type ValueName } from './graph-emitter.ts'
import type { LabelType, Loss } from './loss/loss.ts'
import { attr } from './onnx/attribute.ts'
import { buildNode, buildValueInfo } from './onnx/build.ts'
import { ELEMENT } from './onnx/element-type.ts'
import type { GraphProto } from './onnx/onnx-proto.ts'
import type { Optimizer } from './optimizer/optimizer.ts'
import { emitAverage } from './weight-average.ts'

export interface TrainingGraphOptions {
  readonly loss: Loss
  readonly optimizer: Optimizer
  readonly batch: number
  readonly accumulation: number
  readonly terms: GradientTerms
  readonly hasAverage: boolean
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
  const { body, labelType, flopsPerSample } = buildStep(model, options)
  const roles = assignRoles(model, options, labelType)
  return { graph: buildScan(roles, body, rowShape(options)), roles, flopsPerSample }
}

/** Of the rows of one step. */
function rowShape({ batch, accumulation }: TrainingGraphOptions): readonly number[] {
  return accumulation === 1 ? [batch] : [accumulation, batch]
}

function assignRoles(
  model: ForwardModel,
  { optimizer: { slots, scalars }, terms, hasAverage }: TrainingGraphOptions,
  labelType: LabelType | undefined,
): TrainingRoles {
  const { elementType, sampleShape } = model.input
  const state = (role: string, name: string) => ({
    input: `${role}.${name}`,
    output: `updated.${role}.${name}`,
  })
  return {
    inputs: {
      samples: { name: DATASET.samples, elementType, sampleShape: [...sampleShape] },
      ...(labelType
        ? {
            labels: { name: DATASET.labels, ...labelType, sampleShape: [...labelType.sampleShape] },
          }
        : {}),
      rows: 'schedule.rows',
      weights: 'schedule.weights',
      scalars: scalars.map(scalar => `schedule.${scalar}`),
      ...(hasAverage ? { averageRate: 'schedule.averageRate' } : {}),
      ...(terms.proximal ? { proximal: TERM_INPUT.proximal } : {}),
    },
    outputs: { losses: 'losses' },
    parameters: model.parameters.map(parameter => ({
      ...parameter,
      shape: [...parameter.shape],
      input: `parameter.${parameter.name}`,
      output: `updated.${parameter.name}`,
      slots: slots.map(slot => state(slot, parameter.name)),
      ...(hasAverage ? { average: state('average', parameter.name) } : {}),
      ...(terms.proximal ? { anchor: TERM_INPUT.anchor(parameter.name) } : {}),
      ...(terms.control ? { control: TERM_INPUT.control(parameter.name) } : {}),
    })),
  }
}

function buildStep(model: ForwardModel, options: TrainingGraphOptions) {
  const { loss, optimizer, batch, accumulation, terms, hasAverage } = options
  const graph = new GraphEmitter('step.')
  const float = (wish: string, shape: readonly number[]) =>
    graph.declare(graph.unique(wish), { elementType: ELEMENT.float, shape })
  const states = model.parameters.map(({ name, shape }) => ({
    name,
    shape,
    parameter: float(name, shape),
    slots: optimizer.slots.map(slot => float(`${slot}.${name}`, shape)),
    average: hasAverage ? float(`average.${name}`, shape) : undefined,
  }))
  const rowType = { elementType: ELEMENT.int32, shape: rowShape(options) }
  const rows = graph.declare(graph.unique('rows'), rowType)
  const weights = float('weights', rowType.shape)
  const scalars = optimizer.scalars.map(scalar => float(scalar, []))
  const rate = hasAverage ? [float('averageRate', [])] : []
  const parameters = states.map(({ parameter }) => parameter)
  const batches = { loss, batch, parameters, rows, weights }
  const made =
    accumulation === 1
      ? emitBatchGradients(graph, model, batches)
      : emitAccumulatedGradients(graph, model, { ...batches, accumulation })
  const trained = states.map((state, index) => ({
    ...state,
    gradient: made.gradients[index] ?? '',
  }))
  const gradients = emitGradientTerms(graph, trained, terms)
  const updates = states.map(({ parameter, slots, average }, index) => {
    const gradient = gradients[index] ?? ''
    const moved = optimizer.emit(graph, { parameter, gradient, slots, scalars })
    const given = { parameter: moved.parameter, rate: rate[0] ?? '' }
    return { ...moved, average: average && emitAverage(graph, { average, ...given }) }
  })
  const body = graph.finish({
    name: 'step',
    inputs: [...states.flatMap(flat), rows, weights, ...scalars, ...rate],
    outputs: [...updates.flatMap(flat), made.loss],
  })
  return { body, labelType: made.labelType, flopsPerSample: made.flopsPerSample }
}

function flat(state: {
  readonly parameter: ValueName
  readonly slots: readonly ValueName[]
  readonly average: ValueName | undefined
}) {
  return [state.parameter, ...state.slots, ...(state.average ? [state.average] : [])]
}

function buildScan(
  roles: TrainingRoles,
  body: GraphProto,
  rowShape: readonly number[],
): GraphProto {
  const { samples, labels, rows, weights, scalars, averageRate, proximal } = roles.inputs
  const series = [...scalars, ...(averageRate ? [averageRate] : [])]
  const scanned = [rows, weights, ...series]
  const states = roles.parameters.flatMap(({ shape, ...parameter }) =>
    stateTensors(parameter).map(state => ({ ...state, shape })),
  )
  const fixed = roles.parameters.flatMap(({ shape, anchor, control }) =>
    [anchor, control].flatMap(name => (name ? [{ name, shape }] : [])),
  )
  const scan = buildNode({
    opType: 'Scan',
    inputs: [...states.map(({ input }) => input), ...scanned],
    outputs: [...states.map(({ output }) => output), roles.outputs.losses],
    attributes: [attr.graph('body', body), attr.int('num_scan_inputs', scanned.length)],
    name: 'steps',
  })
  return {
    node: [scan],
    name: 'training',
    initializer: [],
    input: [
      buildValueInfo(samples.name, samples.elementType, ['samples', ...samples.sampleShape]),
      ...(labels
        ? [buildValueInfo(labels.name, labelElement(labels), ['samples', ...labels.sampleShape])]
        : []),
      ...states.map(({ input, shape }) => buildValueInfo(input, ELEMENT.float, shape)),
      ...fixed.map(({ name, shape }) => buildValueInfo(name, ELEMENT.float, shape)),
      ...(proximal ? [buildValueInfo(proximal, ELEMENT.float, [])] : []),
      buildValueInfo(rows, ELEMENT.int32, ['steps', ...rowShape]),
      buildValueInfo(weights, ELEMENT.float, ['steps', ...rowShape]),
      ...series.map(name => buildValueInfo(name, ELEMENT.float, ['steps'])),
    ],
    output: [
      ...states.map(({ output, shape }) => buildValueInfo(output, ELEMENT.float, shape)),
      buildValueInfo(roles.outputs.losses, ELEMENT.float, ['steps']),
    ],
    valueInfo: [],
  }
}
