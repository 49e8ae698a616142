import { encodeForm } from '../forms/artifact-metadata.ts'
import type { PreparedTraining } from '../forms/training-options.ts'
import { GraphEmitter, type ValueName } from '../graph/graph-emitter.ts'
import { nameOutput } from '../graph/output-name.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { declareBatch, emitLoss } from '../step/batch-gradients.ts'
import { dataRoles } from '../step/data-roles.ts'
import {
  assignParameterRoles,
  assignScheduleRoles,
  declareStates,
  emitUpdates,
  shapedStates,
} from '../step/parameter-updates.ts'
import { type EmittedSegment, emitSegment, emitSegmentGradients } from './segment-graph.ts'
import { parseSplitMetadata } from './split-metadata.ts'
import type { SegmentPlan } from './split-plan.ts'

/** Where a segment stands among the others. */
export interface Place {
  readonly segment: number
  readonly segmentCount: number
}

export function buildSegmentForward(
  { origin }: PreparedTraining,
  plan: SegmentPlan,
  place: Place,
): Uint8Array {
  const graph = new GraphEmitter()
  const roles = plan.parameters.map(parameter => ({
    ...parameter,
    shape: [...parameter.shape],
    input: `parameter.${parameter.name}`,
  }))
  const parameters = new Map(
    roles.map(({ name, shape, input }) => [
      name,
      graph.declare(input, { elementType: ELEMENT.float, shape }),
    ]),
  )
  const emitted = emitSegment(graph, plan, parameters)
  const metadata = parseSplitMetadata({
    form: 'split-forward',
    ...origin,
    batch: plan.batch,
    ...place,
    inputs: emitted.roles,
    outputs: { made: [...plan.made] },
    parameters: roles,
  })
  const whole = graph.finish({
    name: 'split-forward',
    inputs: [...emitted.inputs, ...parameters.values()],
    outputs: plan.made.map(({ name, value }) => nameOutput(graph, emitted.nameOf(name), value)),
  })
  return encodeForm(whole, metadata)
}

/** Computes its forward pass anew: ORT keeps nothing between two runs. */
export function buildSegmentBackward(
  prepared: PreparedTraining,
  plan: SegmentPlan,
  place: Place,
): Uint8Array {
  const graph = new GraphEmitter()
  const wanted = plan.made.filter(({ gradient }) => gradient !== undefined)
  const trained = emitTrainedSegment(graph, { prepared, plan }, ({ nameOf }) => ({
    seeds: new Map(
      wanted.map(({ name, elementType, shape, gradient = '' }) => [
        nameOf(name),
        graph.declare(gradient, { elementType, shape }),
      ]),
    ),
  }))
  const metadata = parseSplitMetadata({
    form: 'split-backward',
    ...prepared.origin,
    batch: plan.batch,
    ...place,
    optimizer: prepared.optimized.optimizer,
    parameters: trained.parameters,
    inputs: { ...trained.roles, made: wanted, scalars: trained.scalars },
    outputs: { given: trained.given },
  })
  const gradients = wanted.map(({ gradient = '' }) => gradient)
  const whole = graph.finish({
    name: 'split-backward',
    inputs: [...trained.inputs, ...gradients, ...trained.scalars],
    outputs: trained.outputs,
  })
  return encodeForm(whole, metadata)
}

export function buildSegmentStep(
  prepared: PreparedTraining,
  plan: SegmentPlan,
  place: Place,
): Uint8Array {
  const { graphOptions, judged, optimized, origin } = prepared
  const graph = new GraphEmitter()
  const weights = graph.declare('weights', { elementType: ELEMENT.float, shape: [plan.batch] })
  const trained = emitTrainedSegment(graph, { prepared, plan }, ({ nameOf, samples: inputs }) => {
    const prediction = nameOf(plan.model.prediction)
    const read = declareBatch(graph, plan.batch)
    const loss = emitLoss(graph, { loss: graphOptions.loss, prediction, inputs, weights, read })
    return { seeds: new Map([[prediction, loss.predictionGradient]]), loss }
  })
  const { labels } = dataRoles({ inputs: [] }, trained.begun.loss.labelType)
  const loss = nameOutput(graph, trained.begun.loss.loss, 'loss')
  const metadata = parseSplitMetadata({
    form: 'split-step',
    ...origin,
    batch: plan.batch,
    ...place,
    loss: judged.loss,
    optimizer: optimized.optimizer,
    parameters: trained.parameters,
    inputs: {
      ...trained.roles,
      ...(labels ? { labels } : {}),
      weights,
      scalars: trained.scalars,
    },
    outputs: { loss, given: trained.given },
  })
  const compared = [...(labels ? [labels.name] : []), weights]
  const whole = graph.finish({
    name: 'split-step',
    inputs: [...trained.inputs, ...compared, ...trained.scalars],
    outputs: [...trained.outputs, loss],
  })
  return encodeForm(whole, metadata)
}

/** What the forms that move parameters have in common, whatever their gradients begin with. */
function emitTrainedSegment<Begun extends { readonly seeds: ReadonlyMap<ValueName, ValueName> }>(
  graph: GraphEmitter,
  { prepared, plan }: { readonly prepared: PreparedTraining; readonly plan: SegmentPlan },
  begin: (emitted: EmittedSegment) => Begun,
) {
  const { graphOptions } = prepared
  const roles = assignParameterRoles(plan.parameters, graphOptions)
  const declared = declareStates(graph, roles, assignScheduleRoles(graphOptions))
  const parameters = new Map(declared.states.map(({ name, parameter }) => [name, parameter]))
  const emitted = emitSegment(graph, plan, parameters)
  const { nodes } = emitted
  const begun = begin(emitted)
  const backward = emitSegmentGradients(graph, plan.given, {
    nodes,
    seeds: begun.seeds,
    parameters,
  })
  const { gradients } = backward
  const updated = emitUpdates(graph, declared, { ...graphOptions, gradients })
  const outputs = shapedStates(roles).map(({ output }, index) =>
    nameOutput(graph, updated[index] ?? '', output),
  )
  return {
    begun,
    roles: emitted.roles,
    parameters: roles,
    /** Of which gradients come out. */
    given: plan.given.filter(({ gradient }) => gradient !== undefined),
    inputs: [...emitted.inputs, ...declared.inputs],
    scalars: [...declared.scalars],
    outputs: [...outputs, ...backward.outputs],
  }
}
