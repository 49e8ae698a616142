import { GraphEmitter } from '../graph/graph-emitter.ts'
import { nameOutput } from '../graph/output-name.ts'
import {
  assignParameterRoles,
  assignScheduleRoles,
  declareStates,
  emitUpdates,
  fixedInputs,
  shapedStates,
} from '../step/parameter-updates.ts'
import { encodeForm } from './artifact-metadata.ts'
import { emitDeclaredBatch } from './batch-inputs.ts'
import { type StepMetadata, stepMetadataSchema } from './form-metadata.ts'
import type { PreparedTraining } from './training-options.ts'

/** One step a run: parameters, slots and a batch in, parameters, slots and its loss out. */
export function buildStepForm(prepared: PreparedTraining): Uint8Array {
  const { forward, graphOptions, origin, judged, optimized } = prepared
  const parameters = assignParameterRoles(forward.parameters, graphOptions)
  const schedule = assignScheduleRoles(graphOptions)
  const graph = new GraphEmitter()
  const declared = declareStates(graph, parameters, schedule)
  const { made, roles, inputs } = emitDeclaredBatch(graph, forward, {
    ...graphOptions,
    parameters: declared.states.map(({ parameter }) => parameter),
  })
  const updated = emitUpdates(graph, declared, { ...graphOptions, gradients: made.gradients })
  const outputs = shapedStates(parameters).map(({ output }, index) =>
    nameOutput(graph, updated[index] ?? '', output),
  )
  const loss = nameOutput(graph, made.loss, 'loss')
  const { scalars, averageRate } = declared
  const metadata = stepMetadataSchema.parse({
    form: 'step',
    ...origin,
    ...judged,
    ...optimized,
    flopsPerSample: made.flopsPerSample,
    inputs: { ...roles, ...schedule },
    outputs: { loss },
    parameters,
  } satisfies StepMetadata)
  const whole = graph.finish({
    name: 'step',
    inputs: [
      ...inputs,
      ...declared.inputs,
      ...fixedInputs(parameters, schedule).map(({ name }) => name),
      ...scalars,
      ...(averageRate ? [averageRate] : []),
    ],
    outputs: [...outputs, loss],
  })
  return encodeForm(whole, metadata)
}
