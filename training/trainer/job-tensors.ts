import type { Tensor } from 'onnxruntime-node'
import { GainnetError } from '../../runtime/errors.ts'
import { type ArtifactMetadata, stateShape, stateTensors } from '../forms/artifact-metadata.ts'
import {
  checkSampleWeights,
  inputTensors,
  labelTensor,
  matchInputs,
  type Samples,
} from '../samples/samples.ts'
import { checkFinite } from './finite-values.ts'
import type { Ort } from './ort-session.ts'

/** What changes the gradients, for an artifact built with it. */
export interface TermValues {
  /** All parameters in the artifact's order. */
  readonly parameters: Float32Array
  /** FedProx: the anchor is `parameters` where left out. */
  readonly proximal?: { readonly strength: number; readonly anchor?: Float32Array }
  /** SCAFFOLD: c − cᵢ, in the order of `parameters`. */
  readonly control?: Float32Array
}

type Parameter = ArtifactMetadata['parameters'][number]

/** The data set as ORT tensors, checked against what the model and the loss take. */
export function sampleTensors(
  ort: Ort,
  { inputs: { samples, labels } }: ArtifactMetadata,
  given: Samples,
): Record<string, Tensor> {
  const tensors = inputTensors(ort, samples, given)
  const { columns, sampleCount } = matchInputs(given, samples)
  checkSampleWeights(given.sampleWeights, sampleCount)
  for (const [index, values] of columns.entries()) {
    checkFinite(values, { sampleCount, what: `the input ${samples[index]?.name}` })
  }
  if (given.labels) checkFinite(given.labels, { sampleCount, what: 'the labels' })
  return {
    ...tensors,
    ...(labels
      ? { [labels.name]: labelTensor(ort, labels, { labels: given.labels, sampleCount }) }
      : {}),
  }
}

/** Anchor and correction of the gradients, which an artifact asks for or does not know. */
export function termTensors(
  { Tensor }: Ort,
  { inputs, parameters }: ArtifactMetadata,
  job: TermValues,
): Record<string, Tensor> {
  const { proximal, control } = job
  checkTerm('proximal', { wanted: inputs.proximal !== undefined, given: proximal !== undefined })
  const hasControl = parameters.some(parameter => parameter.control !== undefined)
  checkTerm('control', { wanted: hasControl, given: control !== undefined })
  const feeds: Record<string, Tensor> = {}
  const slice = (values: Float32Array, stateOf: (parameter: Parameter) => string | undefined) => {
    checkParameterCount(parameters, values)
    for (const parameter of parameters) {
      const { shape, offset, count } = parameter
      const name = stateOf(parameter)
      if (name) feeds[name] = new Tensor('float32', values.slice(offset, offset + count), shape)
    }
  }
  if (proximal && inputs.proximal) {
    feeds[inputs.proximal] = new Tensor('float32', Float32Array.of(proximal.strength), [])
    slice(proximal.anchor ?? job.parameters, ({ anchor }) => anchor)
  }
  if (control) slice(control, parameter => parameter.control)
  return feeds
}

function checkTerm(
  name: string,
  { wanted, given }: { readonly wanted: boolean; readonly given: boolean },
): void {
  if (wanted === given) return
  throw new GainnetError(
    'TRAINING_FAILED',
    wanted
      ? `the artifact has the term ${name}, for which the job brings nothing`
      : `the job brings ${name}, for which the artifact was not built`,
    { term: name },
  )
}

/** What a run changes, as it is before the first step: the parameters, and zeros beside them. */
export function initialStates(
  { Tensor }: Ort,
  { parameters }: ArtifactMetadata,
  values: Float32Array,
): ReadonlyMap<string, Tensor> {
  checkParameterCount(parameters, values)
  return new Map(
    parameters.flatMap(parameter => {
      const { offset, count } = parameter
      return stateTensors(parameter).map(({ input }) => {
        const isItself = input === parameter.input
        const held = isItself ? values.slice(offset, offset + count) : new Float32Array(count)
        return [input, new Tensor('float32', held, stateShape(parameter))] as const
      })
    }),
  )
}

export function checkParameterCount(
  parameters: readonly { readonly count: number }[],
  values: Float32Array,
): void {
  const count = parameters.reduce((sum, parameter) => sum + parameter.count, 0)
  if (values.length === count) return
  throw new GainnetError(
    'TRAINING_FAILED',
    `the model has ${count} parameters, ${values.length} were given`,
  )
}
