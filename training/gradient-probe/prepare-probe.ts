import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { type Random, seededRandom } from '../../runtime/seeded-random.ts'
import { chooseParameters } from '../forward/parameter-choice.ts'
import { OPSET_MAX } from '../onnx/build.ts'
import { checkModel } from '../onnx/check-model.ts'
import { decodeModel } from '../onnx/onnx-codec.ts'
import type { GraphProto, ModelProto, OperatorSetIdProto, TensorProto } from '../onnx/onnx-proto.ts'
import { upgradeGraph } from '../onnx/opset-upgrade.ts'
import { float32Values } from '../onnx/tensor.ts'
import { floatOutput, type Ort } from '../trainer/ort-session.ts'
import { encodeGraph } from './float64-session.ts'
import { type Observation, observeModel } from './observe-model.ts'
import { withObservedTypes } from './observed-types.ts'
import { buildProbeGraph, type ObservedOutput, type ProbeGraph } from './probe-graph.ts'
import { withFixedInputs } from './probe-inputs.ts'
import { openQuietSession } from './quiet-session.ts'

export interface PreparationOptions {
  readonly seed: number
  /** Outputs that count; all float32 ones where left out. */
  readonly outputs?: readonly string[]
  /** Names or patterns of the initializers that count as parameters, as for training. */
  readonly trainable?: readonly string[]
}

/** A model on one random input, with what our engine says are the gradients of its parameters. */
export interface Preparation {
  readonly parameters: readonly TensorProto[]
  /** In the order of the parameters; undefined where no output depends on one. */
  readonly gradients: readonly (Float32Array | undefined)[]
  readonly probed: ProbeGraph
  readonly opsets: readonly OperatorSetIdProto[]
  readonly observed: Observation
  readonly outputs: readonly ObservedOutput[]
}

/** Sizes of the inputs to try: loud inputs silence some models, whose ReLUs then all rest. */
const AMPLITUDES = [1, 0.05, 10]

/**
 * Takes the first amplitude of the inputs for which every parameter that has a gradient has one other
 * than zero, or else the one with the fewest zeros.
 */
export async function prepareProbe(
  ort: Ort,
  bytes: Uint8Array,
  options: PreparationOptions,
): Promise<Preparation> {
  let best: { readonly made: Preparation; readonly silentCount: number } | undefined
  for (const amplitude of AMPLITUDES) {
    const made = await prepareAt(ort, bytes, { ...options, amplitude })
    const silentCount = made.gradients.filter(gradient => gradient?.every(g => g === 0)).length
    if (!best || silentCount < best.silentCount) best = { made, silentCount }
    if (silentCount === 0) break
  }
  if (best) return best.made
  throw new RangeError('no amplitude was tried')
}

async function prepareAt(
  ort: Ort,
  bytes: Uint8Array,
  options: PreparationOptions & { readonly amplitude: number },
): Promise<Preparation> {
  const model = decodeModel(bytes)
  const { graph, opset } = checkModel(model)
  const parameters = chooseParameters(graph, options.trainable)
  if (parameters.length === 0) {
    throw new GainnetError('MODEL_INVALID', 'the model has no float32 parameter')
  }
  const { seed, amplitude } = options
  const observed = await observeModel(ort, { ...model, graph }, { seed, amplitude })
  const outputs = chooseOutputs(observed.outputs, options.outputs)
  const random = seededRandom(seed + 1)
  const opsets = upgradedOpsets(model)
  const fixed = withFixedInputs(upgradeGraph(graph, opset), observed.inputs)
  const probed = await buildWithTypes(ort, { fixed, parameters, outputs, opsets, random })
  const gradients = await runBackward(ort, probed, parameters, opsets)
  return { parameters, gradients, probed, opsets, observed, outputs }
}

function chooseOutputs(
  observed: readonly ObservedOutput[],
  wanted: readonly string[] | undefined,
): readonly ObservedOutput[] {
  const names = observed.map(({ name }) => name)
  const missing = wanted?.find(name => !names.includes(name))
  if (missing !== undefined || names.length === 0) {
    throw new GainnetError(
      'MODEL_INVALID',
      missing === undefined
        ? 'the model has no float32 output'
        : `the model has no float32 output ${missing}, but ${names.join(', ')}`,
      { outputs: names },
    )
  }
  return wanted ? observed.filter(({ name }) => wanted.includes(name)) : observed
}

function upgradedOpsets({ opsetImport }: ModelProto): readonly OperatorSetIdProto[] {
  const others = opsetImport.filter(({ domain = '' }) => domain !== '')
  return [{ domain: '', version: OPSET_MAX }, ...others]
}

/** Shapes are inferred; where an operator without a type rule is in the way they are observed. */
async function buildWithTypes(
  ort: Ort,
  given: {
    readonly fixed: GraphProto
    readonly parameters: readonly TensorProto[]
    readonly outputs: readonly ObservedOutput[]
    readonly opsets: readonly OperatorSetIdProto[]
    readonly random: Random
  },
): Promise<ProbeGraph> {
  const { fixed, parameters, outputs, opsets, random } = given
  try {
    return buildProbeGraph(fixed, parameters, outputs, random)
  } catch (error) {
    if (!messageOf(error).includes('no type rule')) throw error
    const stated = await withObservedTypes(ort, fixed, opsets)
    return buildProbeGraph(stated, parameters, outputs, random)
  }
}

async function runBackward(
  ort: Ort,
  { backward, parameters: names, gradients }: ProbeGraph,
  parameters: readonly TensorProto[],
  opsets: readonly OperatorSetIdProto[],
): Promise<readonly (Float32Array | undefined)[]> {
  if (gradients.every(name => name === undefined)) return []
  const ortSession = await openQuietSession(ort, encodeGraph(backward, opsets))
  try {
    const feeds = names.map((name, index) => {
      const tensor = parameters[index]
      if (!tensor) throw new RangeError(`no parameter ${index}`)
      return [name, new ort.Tensor('float32', float32Values(tensor), tensor.dims)] as const
    })
    const ran = await ortSession.run(Object.fromEntries(feeds))
    return gradients.map(name => (name === undefined ? undefined : floatOutput(ran, name)))
  } finally {
    await ortSession.release()
  }
}
