import { GainnetError } from '../../runtime/errors.ts'
import type { WantedSamples } from '../../training/datasets/fit-samples.ts'
import { readForwardModel } from '../../training/forward/forward-graph.ts'
import { dataElement } from '../../training/forward/model-input.ts'
import { type Trainability, tryTraining } from '../../training/inspection/trainability.ts'
import { createLoss, type LossKind, parseLoss } from '../../training/loss/registry.ts'
import { ELEMENT } from '../../training/onnx/element-type.ts'
import { buildEvaluationGraph } from '../../training/step/evaluation-graph.ts'
import type { SpecialOptions } from './specialized-model.ts'

/** Which part of a model is trained, as the options of the commands say it. */
export interface PartOptions extends SpecialOptions {
  readonly output?: string
  readonly trainable?: readonly string[]
  readonly frozen?: readonly string[]
}

export type Trainable = Extract<Trainability, { readonly isTrainable: true }>

/** What can be trained of a model; fails with the reason why nothing can. */
export function planTraining(
  bytes: Uint8Array,
  file: string,
  options: PartOptions & { readonly batch: number },
): Trainable {
  const plan = tryTraining(bytes, options)
  if (plan.isTrainable) return plan
  const code = plan.code === 'GRADIENT_UNSUPPORTED_OP' ? plan.code : 'MODEL_INVALID'
  throw new GainnetError(
    code,
    `${file} cannot be trained as it is: ${plan.reason} (gainnet model inspect says more)`,
  )
}

/** What samples the model takes under a loss; for models with one input, which data files have. */
export function wantedSamples(
  bytes: Uint8Array,
  loss: LossKind,
  { prediction, batch }: Pick<Trainable, 'prediction' | 'batch'>,
): WantedSamples {
  const forward = readForwardModel(bytes, { prediction })
  const [input, ...others] = forward.inputs
  if (!input || others.length > 0) {
    const names = forward.inputs.map(({ name }) => name).join(', ')
    throw new GainnetError(
      'MODEL_INVALID',
      `the model has the inputs ${names}; data files are read for models with one: fix the others ` +
        'in the export, or use the library',
    )
  }
  const { inputs } = buildEvaluationGraph(forward, { loss: createLoss(parseLoss(loss)), batch })
  const elementType = dataElement(input) === ELEMENT.float ? 'float32' : 'int32'
  return { input: { elementType, sampleShape: input.sampleShape }, labels: inputs.labels }
}
