import type { InferenceSession } from 'onnxruntime-node'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { buildBackwardGraph } from '../../../training/graph/backward-graph.ts'
import { GraphEmitter } from '../../../training/graph/graph-emitter.ts'
import { buildModel, buildNode, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT, type ElementType, isElementType } from '../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { AttributeProto, NodeProto } from '../../../training/onnx/onnx-proto.ts'
import { upgradeGraph } from '../../../training/onnx/opset-upgrade.ts'
import { elementCount } from '../../../training/onnx/tensor.ts'
import { loadOrt, openOrtSession } from '../../../training/trainer/ort-session.ts'

type VariableCase =
  /** A float input whose gradient is checked, with values drawn from a range. */
  | { readonly shape: readonly number[]; readonly from?: number; readonly to?: number }
  /** The same with just these values. */
  | { readonly shape: readonly number[]; readonly values: readonly number[] }
  /** An integer input with these values: no gradient. */
  | {
      readonly shape: readonly number[]
      readonly integers: readonly number[]
      readonly type: 'int32' | 'int64' | 'bool'
    }

/** A constant of the graph. */
type ConstantCase =
  /** Axes, shapes. */
  | { readonly constant: readonly number[]; readonly shape?: readonly number[] }
  /** Of the element type that is checked: a bound, a fill value. */
  | { readonly number: number }
  /** Float32 numbers: the scales of a Resize. */
  | { readonly floats: readonly number[] }
  /** A truth value. */
  | { readonly flag: boolean }

/** How an input of the operator is made. */
export type OperandCase = VariableCase | ConstantCase | 'absent'

/** A plain float64 computation of the first output from all inputs that are not constants. */
export type Reference = (
  inputs: readonly { readonly shape: readonly number[]; readonly values: readonly number[] }[],
) => readonly number[]

export interface GradientCase {
  readonly name: string
  readonly inputs: readonly OperandCase[]
  readonly attributes?: readonly AttributeProto[]
  /** Several nodes in place of the operator, from the inputs to y0. */
  readonly nodes?: (inputs: readonly string[]) => readonly NodeProto[]
  /** What the operator was called in an older operator set. */
  readonly opType?: string
  /** The operator set that the node is written for, the newest where left out. */
  readonly opset?: number
  readonly outputCount?: number
  /** Outputs whose gradients come in; all that are differentiable where left out. */
  readonly seeded?: readonly number[]
  /**
   * Where ONNX Runtime has no float64 kernel it computes in float32, and the differences are taken
   * of this; for an operator that is linear in each input 'linear', for then a difference over a
   * whole unit is as exact as one over a small step.
   */
  readonly float32?: Reference | 'linear'
}

export interface GradientCheck {
  readonly errorMax: number
  readonly checkedCount: number
}

export interface Operand {
  readonly name: string
  readonly type: ElementType
  readonly shape: readonly number[]
  readonly values: number[]
}

/** Central differences of a smooth function: the error of the method itself is far below 1e-8. */
const STEP = 1e-5

/**
 * Runs operator and gradient in ONNX Runtime for random gradients of the outputs, and compares every
 * element with a central difference. The error is relative to 1 + the gradient.
 */
export async function checkGradient(
  opType: string,
  given: GradientCase,
  seed: number,
): Promise<GradientCheck> {
  const random = seededRandom(seed)
  const elementType = given.float32 ? ELEMENT.float : ELEMENT.double
  const graph = new GraphEmitter()
  const { operands, inputs } = declareInputs(graph, given, elementType, random)
  const outputs = Array.from({ length: given.outputCount ?? 1 }, (_, index) => `y${index}`)
  const { attributes = [], opset } = given
  const whole = given.nodes?.(inputs) ?? [
    buildNode({ opType: given.opType ?? opType, inputs, outputs, attributes }),
  ]
  const nodes = addUpgraded(graph, whole, opset)
  const seeded = outputs.filter(
    (name, index) =>
      graph.type(name).elementType === elementType && (given.seeded?.includes(index) ?? true),
  )
  const cotangents = seeded.map((name): Operand => {
    const type = graph.type(name)
    const values = Array.from({ length: elementCount(type.shape) }, () => random() * 2 - 1)
    graph.declare(`d${name}`, type)
    return { name: `d${name}`, type: type.elementType, shape: type.shape, values }
  })
  const wanted = operands.filter(({ type }) => type === elementType)
  const gradients = buildBackwardGraph({
    graph,
    nodes,
    seeds: new Map(seeded.map(name => [name, `d${name}`])),
    wanted: wanted.map(({ name }) => name),
  })
  const names = operands.map(({ name }) => name)
  const open = async (inputNames: readonly string[], outputNames: readonly string[]) => {
    const proto = graph.finish({ name: 'check', inputs: inputNames, outputs: outputNames })
    return openOrtSession(
      await loadOrt(),
      encodeModel(buildModel({ graph: proto, opset: OPSET_MAX })),
    )
  }
  const forward = await open(names, seeded)
  const backward = await open(
    [...names, ...cotangents.map(({ name }) => name)],
    [...gradients.values()],
  )
  const compute = async () => {
    const { float32: reference } = given
    if (typeof reference === 'function') return [reference(operands)]
    const results = await run(forward, operands)
    return seeded.map(name => results[name] ?? [])
  }
  try {
    const computed = await run(backward, [...operands, ...cotangents])
    if (typeof given.float32 === 'function') {
      expectSame(await compute(), Object.values(await run(forward, operands)))
    }
    const sumOfOutputs = async () => product(await compute(), cotangents)
    const step = given.float32 === 'linear' ? 1 : STEP
    let [errorMax, checkedCount] = [0, 0]
    for (const operand of wanted) {
      const gradient = computed[gradients.get(operand.name) ?? '']
      errorMax = Math.max(errorMax, await compareGradient(operand, gradient, sumOfOutputs, step))
      checkedCount += operand.values.length
    }
    return { errorMax, checkedCount }
  } finally {
    await forward.release()
    await backward.release()
  }
}

/** The largest error of an input's gradient, the differences taken one element after the other. */
async function compareGradient(
  { name, values }: Operand,
  gradient: readonly number[] | undefined,
  sumOfOutputs: () => Promise<number>,
  step: number,
): Promise<number> {
  if (gradient?.length !== values.length) {
    throw new RangeError(`no gradient of the right shape for ${name}`)
  }
  let errorMax = 0
  for (const [index, value] of values.entries()) {
    const at = (shifted: number) => {
      values[index] = shifted
      return sumOfOutputs()
    }
    const expected = ((await at(value + step)) - (await at(value - step))) / (2 * step)
    values[index] = value
    const error = Math.abs((gradient[index] ?? Number.NaN) - expected) / (1 + Math.abs(expected))
    errorMax = Math.max(errorMax, Number.isNaN(error) ? Infinity : error)
  }
  return errorMax
}

/** The nodes as training sees them, whichever operator set they are written for. */
export function addUpgraded(
  graph: GraphEmitter,
  node: readonly NodeProto[],
  opset = OPSET_MAX,
): readonly NodeProto[] {
  const old = { node, initializer: [], name: 'old', input: [], output: [], valueInfo: [] }
  const upgraded = upgradeGraph(old, opset)
  for (const tensor of upgraded.initializer) {
    const { name = '', dims: shape, dataType } = tensor
    if (!isElementType(dataType)) throw new RangeError(`element type ${dataType}`)
    graph.addConstant(name, tensor, { elementType: dataType, shape })
  }
  for (const next of upgraded.node) graph.addNode(next)
  return upgraded.node
}

function declareInputs(
  graph: GraphEmitter,
  given: GradientCase,
  elementType: ElementType,
  random: () => number,
): { readonly operands: readonly Operand[]; readonly inputs: readonly string[] } {
  const operands: Operand[] = []
  const inputs = given.inputs.map((operand, index) => {
    if (operand === 'absent') return ''
    if (!('shape' in operand) || 'constant' in operand) {
      return addConstant(graph, operand, elementType)
    }
    const { shape } = operand
    const type = 'integers' in operand ? ELEMENT[operand.type] : elementType
    const name = `x${index}`
    operands.push({ name, type, shape, values: operandValues(operand, type, random) })
    return graph.declare(name, { elementType: type, shape })
  })
  return { operands, inputs }
}

function addConstant(graph: GraphEmitter, operand: ConstantCase, like: ElementType): string {
  if ('number' in operand) return graph.constant(like, [], [operand.number])
  if ('flag' in operand) return graph.constant(ELEMENT.bool, [], [operand.flag ? 1 : 0])
  if ('floats' in operand) {
    return graph.constant(ELEMENT.float, [operand.floats.length], operand.floats)
  }
  const { constant, shape = [constant.length] } = operand
  return graph.constant(ELEMENT.int64, shape, constant)
}

function operandValues(operand: VariableCase, type: ElementType, random: () => number): number[] {
  if ('integers' in operand) return [...operand.integers]
  if ('values' in operand) return [...operand.values]
  const { shape, from = -2, to = 2 } = operand
  return Array.from({ length: elementCount(shape) }, () => {
    const value = from + random() * (to - from)
    return type === ELEMENT.float ? Math.fround(value) : value
  })
}

function product(outputs: readonly (readonly number[])[], cotangents: readonly Operand[]): number {
  return cotangents.reduce(
    (sum, { values }, output) =>
      values.reduce((inner, dy, place) => inner + dy * (outputs[output]?.[place] ?? 0), sum),
    0,
  )
}

/** A reference says something of the operator only while it computes the same. */
function expectSame(
  [expected = []]: readonly (readonly number[])[],
  [actual = []]: readonly (readonly number[])[],
): void {
  const isSame =
    expected.length === actual.length &&
    expected.every((value, index) => Math.abs(value - (actual[index] ?? Number.NaN)) < 1e-4)
  if (!isSame) throw new RangeError(`the reference gives ${expected}, the operator ${actual}`)
}

export async function run(
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
      if (type === ELEMENT.bool) return [name, new Tensor('bool', Uint8Array.from(values), shape)]
      if (type === ELEMENT.float) {
        return [name, new Tensor('float32', Float32Array.from(values), shape)]
      }
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
