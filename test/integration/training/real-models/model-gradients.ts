import type { InferenceSession } from 'onnxruntime-node'
import { type Random, seededRandom } from '../../../../runtime/seeded-random.ts'
import { emitForward, readForwardModel } from '../../../../training/forward/forward-graph.ts'
import { toFloat64 } from '../../../../training/gradient-probe/float64-graph.ts'
import { buildBackwardGraph } from '../../../../training/graph/backward-graph.ts'
import { GraphEmitter } from '../../../../training/graph/graph-emitter.ts'
import { buildModel, OPSET_MAX } from '../../../../training/onnx/build.ts'
import { ELEMENT } from '../../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../../training/onnx/onnx-codec.ts'
import type { GraphProto } from '../../../../training/onnx/onnx-proto.ts'
import { elementCount } from '../../../../training/onnx/tensor.ts'
import { loadOrt, openOrtSession } from '../../../../training/trainer/ort-session.ts'

export interface ModelCheck {
  /** Each parameter on which the prediction depends, with the error of its gradient. */
  readonly errors: ReadonlyMap<string, number>
  /** Largest difference between the predictions in float32 and in float64, relative to the latter. */
  readonly forwardError: number
}

/**
 * Relative to what is moved; the first that does is taken. Among a million ReLUs a wide step carries one
 * or other across its kink, which is worth a thousandth of the difference; of a narrow one rounding
 * is left.
 */
const STEPS = [1e-7, 1e-6, 1e-8]
/** What float32 gradients of such models are good for. */
const GOOD = 1e-5

interface Operand {
  readonly name: string
  readonly shape: readonly number[]
  readonly values: Float64Array
}

/**
 * The gradients of the model's parameters as training computes them, in float32, for a random gradient
 * of the prediction; each against the central difference of the same forward pass in float64 along a
 * random direction. The error is relative to the length of the gradient times that of the direction, for
 * their product may by chance be close to 0.
 */
export async function checkModelGradients(
  bytes: Uint8Array,
  options: {
    readonly batch: number
    readonly seed: number
    readonly prediction?: string
    readonly trainable?: readonly string[]
    readonly draw?: (random: Random) => number
  },
): Promise<ModelCheck> {
  const { batch, seed, prediction, trainable, draw = normal } = options
  const random = seededRandom(seed)
  const model = readForwardModel(bytes, { prediction, trainable })
  const graph = new GraphEmitter()
  const declare = (name: string, shape: readonly number[]) =>
    graph.declare(name, { elementType: ELEMENT.float, shape })
  const inputs = model.inputs.map(({ name, sampleShape }): Operand => {
    const shape = [batch, ...sampleShape]
    const values = Float64Array.from({ length: elementCount(shape) }, () =>
      Math.fround(draw(random)),
    )
    return { name: declare(`input.${name}`, shape), shape, values }
  })
  const parameters = model.parameters.map(({ name, shape, offset, count }) => {
    const values = Float64Array.from(model.initialParameters.subarray(offset, offset + count))
    return { original: name, name: declare(`parameter.${name}`, shape), shape, values }
  })
  const forward = emitForward(graph, model, {
    inputs: new Map(model.inputs.map(({ name }) => [name, `input.${name}`])),
    parameters: new Map(parameters.map(({ original, name }) => [original, name])),
    batch,
    purpose: 'training',
  })
  const shape = graph.shape(forward.prediction)
  const cotangent: Operand = {
    name: declare('cotangent', shape),
    shape,
    values: Float64Array.from({ length: elementCount(shape) }, () => Math.fround(normal(random))),
  }
  const names = [...inputs, ...parameters].map(({ name }) => name)
  const forwardProto = graph.finish({
    name: 'forward',
    inputs: names,
    outputs: [forward.prediction],
  })
  const gradients = buildBackwardGraph({
    graph,
    nodes: forward.nodes,
    seeds: new Map([[forward.prediction, cotangent.name]]),
    wanted: parameters.map(({ name }) => name),
  })
  const backwardProto = graph.finish({
    name: 'backward',
    inputs: [...names, cotangent.name],
    outputs: [...gradients.values(), forward.prediction],
  })
  const doubled = toFloat64(forwardProto, value => graph.type(value), new Set())
  const [float32, float64] = [await open(backwardProto), await open(doubled.graph)]
  try {
    const operands = [...inputs, ...parameters]
    const computed = await run(float32, [...operands, cotangent], 'float32')
    const widened = operands.map((operand, index) => {
      return { ...operand, name: doubled.inputs[index] ?? '' }
    })
    const predict = async () =>
      (await run(float64, widened, 'float64')).get(doubled.output) ?? new Float64Array()
    const forwardError = relativeDifference(computed.get(forward.prediction) ?? [], await predict())
    const errors = new Map<string, number>()
    for (const { original, name, values } of parameters) {
      const gradient = computed.get(gradients.get(name) ?? '')
      if (!gradient) continue
      const scale = scaleOf(values)
      const direction = values.map((_, place) => normal(random) * (scale[place] ?? 0))
      const start = values.slice()
      const at = async (distance: number) => {
        values.set(start.map((value, place) => value + distance * (direction[place] ?? 0)))
        return dot(await predict(), cotangent.values)
      }
      const product = dot(gradient, direction)
      const size = length(Float64Array.from(gradient, (g, place) => g * (scale[place] ?? 0)))
      let error = Number.POSITIVE_INFINITY
      for (const step of STEPS) {
        const expected = ((await at(step)) - (await at(-step))) / (2 * step)
        error = Math.min(
          error,
          Math.abs(product - expected) / Math.max(size, Math.abs(expected), 1e-9),
        )
        if (error < GOOD) break
      }
      values.set(start)
      errors.set(original, error)
    }
    return { errors, forwardError }
  } finally {
    await float32.release()
    await float64.release()
  }
}

/**
 * How far each element is moved: in its own measure, as a variance of 1e-20 beside others of 10 bends
 * the function on quite another scale; zeros in that of the tensor.
 */
function scaleOf(values: Float64Array): Float64Array {
  const typical = length(values) / Math.sqrt(values.length)
  return values.map(value => Math.max(Math.abs(value), typical * 1e-3, 1e-3))
}

export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

async function open(proto: GraphProto): Promise<InferenceSession> {
  return openOrtSession(
    await loadOrt(),
    encodeModel(buildModel({ graph: proto, opset: OPSET_MAX })),
  )
}

async function run(
  session: InferenceSession,
  operands: readonly Operand[],
  type: 'float32' | 'float64',
): Promise<ReadonlyMap<string, ArrayLike<number>>> {
  const { Tensor } = await loadOrt()
  const taken = new Set(session.inputNames)
  const feeds = operands.flatMap(({ name, shape, values }) => {
    if (!taken.has(name)) return []
    const tensor =
      type === 'float32'
        ? new Tensor('float32', Float32Array.from(values), shape)
        : new Tensor('float64', values, shape)
    return [[name, tensor] as const]
  })
  const outputs = await session.run(Object.fromEntries(feeds))
  return new Map(
    Object.entries(outputs).map(([name, { data }]) => [name, data as ArrayLike<number>]),
  )
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let index = 0; index < a.length; index += 1) sum += (a[index] ?? 0) * (b[index] ?? 0)
  return sum
}

function length(values: ArrayLike<number>): number {
  return Math.sqrt(dot(values, values))
}

function relativeDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const difference = Float64Array.from(
    { length: expected.length },
    (_, index) => (actual[index] ?? Number.NaN) - (expected[index] ?? 0),
  )
  return length(difference) / length(expected)
}
