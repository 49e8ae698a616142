import type { InferenceSession } from 'onnxruntime-node'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { buildBackwardGraph } from '../../../training/backward-graph.ts'
import { GraphEmitter } from '../../../training/graph-emitter.ts'
import { buildModel, buildNode, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT, type ElementType } from '../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { AttributeProto } from '../../../training/onnx/onnx-proto.ts'
import { elementCount } from '../../../training/onnx/tensor.ts'
import { loadOrt, openOrtSession } from '../../../training/ort-session.ts'

/** How an input of the operator is made. */
export type OperandCase =
  /** A float64 input whose gradient is checked, with values drawn from a range. */
  | { readonly shape: readonly number[]; readonly from?: number; readonly to?: number }
  /** An integer input with these values: no gradient. */
  | {
      readonly shape: readonly number[]
      readonly integers: readonly number[]
      readonly type: 'int32' | 'int64'
    }
  /** A constant of the graph: axes, shapes. */
  | { readonly constant: readonly number[] }

export interface GradientCase {
  readonly name: string
  readonly inputs: readonly OperandCase[]
  readonly attributes?: readonly AttributeProto[]
  readonly opset?: number
}

export interface GradientCheck {
  readonly errorMax: number
  readonly checkedCount: number
}

interface Operand {
  readonly name: string
  readonly type: ElementType
  readonly shape: readonly number[]
  readonly values: number[]
}

/** Central differences of a smooth function: the error of the method itself is far below 1e-8. */
const STEP = 1e-5

/**
 * Runs operator and gradient in ONNX Runtime for a random gradient of the output, and compares every
 * element with a central difference. The error is relative to 1 + the gradient.
 */
export async function checkGradient(
  opType: string,
  given: GradientCase,
  seed: number,
): Promise<GradientCheck> {
  const random = seededRandom(seed)
  const elementType = ELEMENT.double
  const graph = new GraphEmitter()
  const operands: Operand[] = []
  const inputs = given.inputs.map((operand, index) => {
    if ('constant' in operand) return graph.ints(operand.constant)
    const name = `x${index}`
    const count = elementCount(operand.shape)
    if ('integers' in operand) {
      const type = ELEMENT[operand.type]
      operands.push({ name, type, shape: operand.shape, values: [...operand.integers] })
      return graph.declare(name, { elementType: type, shape: operand.shape })
    }
    const { shape, from = -2, to = 2 } = operand
    const values = Array.from({ length: count }, () => from + random() * (to - from))
    operands.push({ name, type: elementType, shape, values })
    return graph.declare(name, { elementType, shape })
  })
  const attributes = given.attributes ?? []
  const node = buildNode({ opType, inputs, outputs: ['y'], attributes })
  graph.addNode(node)
  const y = graph.type('y')
  const dy: Operand = {
    name: 'dy',
    type: y.elementType,
    shape: y.shape,
    values: Array.from({ length: elementCount(y.shape) }, () => random() * 2 - 1),
  }
  graph.declare('dy', y)
  const wanted = operands.filter(({ type }) => type === elementType)
  const gradients = buildBackwardGraph({
    graph,
    nodes: [node],
    seeds: new Map([['y', 'dy']]),
    wanted: wanted.map(({ name }) => name),
  })
  const names = operands.map(({ name }) => name)
  const opset = given.opset ?? OPSET_MAX
  const open = async (inputNames: readonly string[], outputs: readonly string[]) => {
    const proto = graph.finish({ name: 'check', inputs: inputNames, outputs })
    return openOrtSession(await loadOrt(), encodeModel(buildModel({ graph: proto, opset })))
  }
  const forward = await open(names, ['y'])
  const backward = await open([...names, 'dy'], [...gradients.values()])
  try {
    const computed = await run(backward, [...operands, dy])
    let [errorMax, checkedCount] = [0, 0]
    for (const operand of wanted) {
      const gradient = computed[gradients.get(operand.name) ?? '']
      if (!gradient || gradient.length !== operand.values.length) {
        throw new RangeError(`no gradient of the right shape for ${operand.name}`)
      }
      for (const [index, value] of operand.values.entries()) {
        const at = async (shifted: number) => {
          operand.values[index] = shifted
          const { y: result = [] } = await run(forward, operands)
          return result.reduce((sum, out, place) => sum + out * (dy.values[place] ?? 0), 0)
        }
        const expected = ((await at(value + STEP)) - (await at(value - STEP))) / (2 * STEP)
        operand.values[index] = value
        const error = Math.abs((gradient[index] ?? Number.NaN) - expected)
        errorMax = Math.max(
          errorMax,
          Number.isNaN(error) ? Infinity : error / (1 + Math.abs(expected)),
        )
        checkedCount += 1
      }
    }
    return { errorMax, checkedCount }
  } finally {
    await forward.release()
    await backward.release()
  }
}

async function run(
  session: InferenceSession,
  operands: readonly Operand[],
): Promise<Record<string, number[]>> {
  const { Tensor } = await loadOrt()
  const feeds = Object.fromEntries(
    operands.map(({ name, type, shape, values }) => {
      if (type === ELEMENT.int64) {
        return [name, new Tensor('int64', BigInt64Array.from(values.map(BigInt)), shape)]
      }
      if (type === ELEMENT.int32) return [name, new Tensor('int32', Int32Array.from(values), shape)]
      return [name, new Tensor('float64', Float64Array.from(values), shape)]
    }),
  )
  const outputs = await session.run(feeds)
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [
      name,
      Array.from(data as ArrayLike<number>, Number),
    ]),
  )
}
