import type { ParameterInfo } from '../forward/forward-graph.ts'
import { buildApplyForm } from './apply-form.ts'
import { buildEvaluationForm } from './evaluation-form.ts'
import { buildGradientForm } from './gradient-form.ts'
import { buildInferenceForm } from './inference-form.ts'
import { buildStepForm } from './step-form.ts'
import { buildScanForm } from './training-artifact.ts'
import { type PreparedTraining, prepareTraining, type TrainingOptions } from './training-options.ts'

const forms = {
  /** Any number of steps a run, over a data set that is gathered inside. */
  scan: prepared => buildScanForm(prepared).bytes,
  step: buildStepForm,
  grad: buildGradientForm,
  apply: buildApplyForm,
  eval: buildEvaluationForm,
  infer: ({ forward: { parameters, initialParameters } }, model) =>
    buildInferenceForm(model, { parameters, values: initialParameters }),
} satisfies Readonly<Record<string, (prepared: PreparedTraining, model: Uint8Array) => Uint8Array>>

export type TrainingForm = keyof typeof forms

export const trainingForms = Object.keys(forms) as readonly TrainingForm[]

export interface TrainingForms<Form extends TrainingForm = TrainingForm> {
  /** ONNX files, each of which says itself what its inputs are: readFormMetadata. */
  readonly models: Readonly<Record<Form, Uint8Array>>
  readonly parameters: readonly ParameterInfo[]
  /** What the model came with, in the order of `parameters`. */
  readonly initialParameters: Float32Array
}

/** All forms of one model that training has a use for, or those that are asked for. */
export function buildTrainingForms<Form extends TrainingForm = TrainingForm>(
  model: Uint8Array,
  options: TrainingOptions & { readonly forms?: readonly Form[] },
): TrainingForms<Form> {
  const prepared = prepareTraining(model, options)
  // Left out means all, and all is what Form then stands for.
  const wanted = options.forms ?? (trainingForms as readonly Form[])
  const models = Object.fromEntries(wanted.map(form => [form, forms[form](prepared, model)]))
  const { parameters, initialParameters } = prepared.forward
  // The entries are those of `wanted`, whose names are Form.
  return { models: models as Record<Form, Uint8Array>, parameters, initialParameters }
}
