import { refuseStatistics } from '../forward/batch-statistics.ts'
import { GraphEmitter } from '../graph/graph-emitter.ts'
import { nameOutput } from '../graph/output-name.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import {
  assignParameterRoles,
  assignScheduleRoles,
  declareStates,
  emitUpdates,
  fixedInputs,
  shapedStates,
} from '../step/parameter-updates.ts'
import { encodeForm } from './artifact-metadata.ts'
import { type ApplyMetadata, applyMetadataSchema } from './form-metadata.ts'
import type { PreparedTraining } from './training-options.ts'

/**
 * The second half of a step: what the optimizer makes of gradients that were computed elsewhere, by one
 * `grad` form or as the average of several. Terms and clipping come in here, as in a step.
 */
export function buildApplyForm({ forward, graphOptions, origin, optimized }: PreparedTraining) {
  refuseStatistics(forward.parameters, 'a form of gradients')
  const parameters = assignParameterRoles(forward.parameters, graphOptions).map(parameter => ({
    ...parameter,
    gradient: `gradient.${parameter.name}`,
  }))
  const schedule = assignScheduleRoles(graphOptions)
  const graph = new GraphEmitter()
  const declared = declareStates(graph, parameters, schedule)
  const gradients = parameters.map(({ gradient, shape }) =>
    graph.declare(gradient, { elementType: ELEMENT.float, shape }),
  )
  const updated = emitUpdates(graph, declared, { ...graphOptions, gradients })
  const { scalars, averageRate } = declared
  const metadata = applyMetadataSchema.parse({
    form: 'apply',
    ...origin,
    ...optimized,
    inputs: schedule,
    parameters,
  } satisfies ApplyMetadata)
  const whole = graph.finish({
    name: 'apply',
    inputs: [
      ...declared.inputs,
      ...gradients,
      ...fixedInputs(parameters, schedule).map(({ name }) => name),
      ...scalars,
      ...(averageRate ? [averageRate] : []),
    ],
    outputs: shapedStates(parameters).map(({ output }, index) =>
      nameOutput(graph, updated[index] ?? '', output),
    ),
  })
  return encodeForm(whole, metadata)
}
