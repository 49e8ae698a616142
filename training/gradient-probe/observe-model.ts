import type { Tensor } from 'onnxruntime-node'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { seededRandom } from '../../runtime/seeded-random.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { encodeModel } from '../onnx/onnx-codec.ts'
import type { GraphProto, ModelProto, TensorProto } from '../onnx/onnx-proto.ts'
import { float32Values, integerValues, realValues } from '../onnx/tensor.ts'
import type { Ort } from '../trainer/ort-session.ts'
import type { ObservedOutput } from './probe-graph.ts'
import { drawInputs, givenInputs, type OpenSizes } from './probe-inputs.ts'
import { openQuietSession } from './quiet-session.ts'

/** Sizes to try for axes that the file leaves open: sequences are happy with few, images are not. */
const OTHER_SIZES = [8, 16, 32, 64, 128, 224, 512, 1024] as const
/** Two samples show mistakes that one hides; some exports take one only. */
const BATCHES = [2, 1] as const

export interface Observation {
  readonly inputs: readonly TensorProto[]
  /** Float32 outputs and what they came to. */
  readonly outputs: readonly ObservedOutput[]
}

/**
 * Runs the model as it is on random inputs, with sizes for its open axes that it accepts. Fails with
 * what ONNX Runtime says where it accepts none.
 */
export async function observeModel(
  ort: Ort,
  model: ModelProto & { readonly graph: GraphProto },
  options: {
    readonly seed: number
    /** The standard deviation of the inputs. */
    readonly amplitude: number
  },
): Promise<Observation> {
  const { seed, amplitude } = options
  let refusal: unknown
  for (const sizes of sizesToTry(model.graph)) {
    const inputs = drawInputs(model.graph, { sizes, amplitude }, seededRandom(seed))
    try {
      return { inputs, outputs: await runOnInputs(ort, model, inputs) }
    } catch (error) {
      refusal = error
    }
  }
  throw new GainnetError(
    'MODEL_INVALID',
    `ONNX Runtime does not run the model on random inputs: ${messageOf(refusal).split('\n')[0]}`,
    {},
    { cause: refusal },
  )
}

function sizesToTry(graph: GraphProto): OpenSizes[] {
  const axes = givenInputs(graph).flatMap(({ type }) =>
    (type?.tensorType?.shape?.dim ?? []).map((dim, axis) => ({ ...dim, axis })),
  )
  const open = axes.filter(({ dimValue = 0 }) => dimValue <= 0)
  const batches = open.some(({ axis }) => axis === 0) ? BATCHES : [1]
  const others = open.some(({ axis }) => axis > 0) ? OTHER_SIZES : [1]
  const batchNames = axes.flatMap(({ axis, dimParam }) =>
    axis === 0 && dimParam ? [dimParam] : [],
  )
  return batches.flatMap(batch =>
    others.map(other => {
      // The batch is the batch wherever its name stands, as in the state of a recurrent layer.
      const named = Object.fromEntries(batchNames.map(name => [name, batch]))
      return { named, batch, other }
    }),
  )
}

/** The float32 outputs of the model for these inputs. */
export async function runOnInputs(
  ort: Ort,
  model: ModelProto,
  inputs: readonly TensorProto[],
): Promise<readonly ObservedOutput[]> {
  const ortSession = await openQuietSession(ort, encodeModel(model))
  try {
    const feeds = inputs.map(tensor => [tensor.name ?? '', ortTensor(ort, tensor)] as const)
    const ran = await ortSession.run(Object.fromEntries(feeds))
    return Object.entries(ran).flatMap(([name, { data, dims }]) =>
      data instanceof Float32Array ? [{ name, shape: dims, values: data }] : [],
    )
  } finally {
    await ortSession.release()
  }
}

function ortTensor({ Tensor }: Ort, tensor: TensorProto): Tensor {
  const { dims } = tensor
  const whole = integerValues(tensor) ?? []
  switch (tensor.dataType) {
    case ELEMENT.float:
      return new Tensor('float32', float32Values(tensor), dims)
    case ELEMENT.double:
      return new Tensor('float64', Float64Array.from(realValues(tensor) ?? []), dims)
    case ELEMENT.int64:
      return new Tensor('int64', BigInt64Array.from(whole, BigInt), dims)
    case ELEMENT.int32:
      return new Tensor('int32', Int32Array.from(whole), dims)
    case ELEMENT.uint8:
      return new Tensor('uint8', tensor.rawData ?? new Uint8Array(), dims)
    default:
      return new Tensor('bool', Uint8Array.from(whole), dims)
  }
}
