import { seededRandom } from '../../../runtime/seeded-random.ts'
import { buildBackwardGraph } from '../../../training/graph/backward-graph.ts'
import { GraphEmitter } from '../../../training/graph/graph-emitter.ts'
import { buildModel, buildNode, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { AttributeProto, NodeProto } from '../../../training/onnx/onnx-proto.ts'
import { elementCount } from '../../../training/onnx/tensor.ts'
import { loadOrt, openOrtSession } from '../../../training/trainer/ort-session.ts'

export interface Float64Tensor {
  readonly shape: readonly number[]
  readonly values: Float64Array
}

/** An operator in plain float64 loops; inputs that are left out are undefined. */
export type ReferenceOperator = (
  inputs: readonly (Float64Tensor | undefined)[],
  node: NodeProto,
) => readonly Float64Tensor[]

export type ReferenceOperand =
  | {
      readonly shape: readonly number[]
      readonly from?: number
      readonly to?: number
      /** Drawn from the range where left out. */
      readonly values?: readonly number[]
      /** An input that no output depends on has no gradient. */
      readonly withoutGradient?: boolean
    }
  | 'absent'

export interface ReferenceCase {
  readonly name: string
  readonly inputs: readonly ReferenceOperand[]
  readonly attributes?: readonly AttributeProto[]
  readonly opset?: number
  /** Names of the outputs, '' for one that is left out. Only those in `seeded` have gradients. */
  readonly outputs?: readonly string[]
  readonly seeded?: readonly string[]
}

export interface ReferenceCheck {
  /** Relative L2 errors. */
  readonly forwardError: number
  readonly gradientError: number
  readonly checkedCount: number
}

interface Operand extends Float64Tensor {
  readonly name: string
  readonly withoutGradient: boolean
}

/** Central differences in float64: their own error is far below that of float32. */
const STEP = 1e-5

/**
 * Runs operator and gradient in ONNX Runtime in float32, for random gradients of the outputs, and
 * compares them with the reference and with the central differences of it: for operators that ONNX
 * Runtime does not compute in float64.
 */
export async function checkAgainstReference(
  opType: string,
  testCase: ReferenceCase,
  { reference, seed }: { readonly reference: ReferenceOperator; readonly seed: number },
): Promise<ReferenceCheck> {
  const { node, operands, cotangents, outputs, gradients } = await runGradients(
    opType,
    testCase,
    seed,
  )
  const compute = () => {
    const all = reference(operands, node)
    return [...cotangents.keys()].map(
      output => all[node.output.indexOf(output)]?.values ?? new Float64Array(),
    )
  }
  const weights = [...cotangents.values()]
  const weighted = () =>
    compute().reduce((sum, values, index) => sum + dot(values, weights[index]?.values), 0)
  let [gradientError, checkedCount] = [0, 0]
  for (const [index, operand] of operands.entries()) {
    if (!operand || (operand.withoutGradient && !gradients[index])) continue
    const { values } = operand
    const expected = values.map((value, place) => {
      values[place] = value + STEP
      const above = weighted()
      values[place] = value - STEP
      const below = weighted()
      values[place] = value
      return (above - below) / (2 * STEP)
    })
    gradientError = Math.max(gradientError, relativeError(gradients[index], expected))
    checkedCount += values.length
  }
  const names = [...cotangents.keys()]
  const forwardErrors = compute().map((values, index) =>
    relativeError(outputs.get(names[index] ?? ''), values),
  )
  return { forwardError: Math.max(...forwardErrors), gradientError, checkedCount }
}

/** The outputs and the gradients of the inputs, as ONNX Runtime computes them in float32. */
export async function runGradients(opType: string, testCase: ReferenceCase, seed: number) {
  const random = seededRandom(seed)
  const graph = new GraphEmitter()
  const operands = testCase.inputs.map((operand, index) => makeOperand(operand, index, random))
  for (const operand of operands) {
    if (operand) graph.declare(operand.name, { elementType: ELEMENT.float, shape: operand.shape })
  }
  const outputs = testCase.outputs ?? ['y']
  const seeded = testCase.seeded ?? outputs.filter(name => name !== '')
  const { attributes = [], opset = OPSET_MAX } = testCase
  const inputs = operands.map(operand => operand?.name ?? '')
  const node = buildNode({ opType, inputs, outputs, attributes })
  graph.addNode(node)
  const cotangents = new Map(
    seeded.map(output => {
      const name = `d${output}`
      graph.declare(name, graph.type(output))
      return [output, makeTensor(name, graph.shape(output), () => random() * 2 - 1)] as const
    }),
  )
  const present = operands.filter(operand => operand !== undefined)
  const gradients = buildBackwardGraph({
    graph,
    nodes: [node],
    seeds: new Map(seeded.map(output => [output, `d${output}`])),
    wanted: present.map(({ name }) => name),
  })
  const ran = await run(graph, {
    opset,
    feeds: [...present, ...cotangents.values()],
    outputs: [...seeded, ...gradients.values()],
  })
  return {
    node,
    operands,
    cotangents,
    outputs: ran,
    gradients: inputs.map(name => ran.get(gradients.get(name) ?? '')),
  }
}

/** ‖actual − expected‖ / ‖expected‖; values of a size that float32 rounds away count as zero. */
export function relativeError(
  actual: ArrayLike<number> | undefined,
  expected: Float64Array,
): number {
  if (actual?.length !== expected.length) return Number.POSITIVE_INFINITY
  const difference = expected.map((value, index) => (actual[index] ?? Number.NaN) - value)
  const error = Math.hypot(...difference) / Math.max(Math.hypot(...expected), 1e-2)
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error
}

function makeOperand(
  operand: ReferenceOperand,
  index: number,
  random: () => number,
): Operand | undefined {
  if (operand === 'absent') return undefined
  const { shape, from = -2, to = 2, values, withoutGradient = false } = operand
  const draw = (place: number) => values?.[place] ?? from + random() * (to - from)
  return { ...makeTensor(`x${index}`, shape, draw), withoutGradient }
}

/** What float32 holds exactly, so that both sides compute with the same numbers. */
function makeTensor(
  name: string,
  shape: readonly number[],
  value: (place: number) => number,
): Operand {
  const values = Float64Array.from({ length: elementCount(shape) }, (_, place) =>
    Math.fround(value(place)),
  )
  return { name, shape, values, withoutGradient: false }
}

function dot(a: Float64Array, b: Float64Array | undefined): number {
  return a.reduce((sum, value, index) => sum + value * (b?.[index] ?? Number.NaN), 0)
}

async function run(
  graph: GraphEmitter,
  given: {
    readonly opset: number
    readonly feeds: readonly Operand[]
    readonly outputs: readonly string[]
  },
): Promise<ReadonlyMap<string, Float32Array>> {
  const { opset, feeds, outputs } = given
  const ort = await loadOrt()
  const names = [...new Set(outputs)]
  const proto = graph.finish({
    name: 'check',
    inputs: feeds.map(({ name }) => name),
    outputs: names,
  })
  const session = await openOrtSession(ort, encodeModel(buildModel({ graph: proto, opset })))
  try {
    const ran = await session.run(
      Object.fromEntries(
        feeds.map(({ name, shape, values }) => [
          name,
          new ort.Tensor('float32', Float32Array.from(values), shape),
        ]),
      ),
    )
    return new Map(names.map(name => [name, ran[name]?.data as Float32Array]))
  } finally {
    await session.release()
  }
}
