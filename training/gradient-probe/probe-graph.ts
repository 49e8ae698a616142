import { GainnetError } from '../../runtime/errors.ts'
import { type Random, standardNormal } from '../../runtime/seeded-random.ts'
import { emitForward } from '../forward/forward-graph.ts'
import { buildBackwardGraph } from '../graph/backward-graph.ts'
import { GraphEmitter, type ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { buildNode, OPSET_MAX } from '../onnx/build.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import type { GraphProto, NodeProto, TensorProto } from '../onnx/onnx-proto.ts'
import { buildTensor } from '../onnx/tensor.ts'
import type { TensorType } from '../types/type-rule.ts'

/** A float32 output of the model, as a run on the fixed inputs gave it. */
export interface ObservedOutput {
  readonly name: string
  readonly shape: readonly number[]
  readonly values: Float32Array
}

export interface ProbeGraph {
  /** The model with its parameters as inputs and the probe as its one output. */
  readonly forward: GraphProto
  /** The same with the gradient of each parameter that has one. */
  readonly backward: GraphProto
  readonly probe: ValueName
  /** In the order of the parameters: undefined where the probe does not depend on one. */
  readonly gradients: readonly (ValueName | undefined)[]
  readonly parameters: readonly ValueName[]
  readonly typeOf: (value: ValueName) => TensorType
  /** How large the probe is, as a rule: what gradients that come to nothing are measured by. */
  readonly scale: number
  /** The probe of the outputs that were observed: what the forward graph must give, too. */
  readonly expected: number
}

const PROBE = 'gradient-probe'

/**
 * One number made of all outputs, L = Σₒ ⟨cₒ, yₒ⟩ with random cₒ ~ N(0, 1) / ‖yₒ‖, so that each
 * output counts alike and L has a size of √outputs. Its gradient is the product of cₒ and the Jacobian
 * matrix: an error in any element of that matrix shows in L.
 */
export function buildProbeGraph(
  fixed: GraphProto,
  parameters: readonly TensorProto[],
  outputs: readonly ObservedOutput[],
  random: Random,
): ProbeGraph {
  const { graph: probed, expected } = withProbe(fixed, outputs, random)
  const emitter = new GraphEmitter()
  const names = parameters.map(({ name = '', dims }) =>
    emitter.declare(emitter.unique(`parameter.${name}`), {
      elementType: ELEMENT.float,
      shape: dims,
    }),
  )
  const model = {
    graph: probed,
    opset: OPSET_MAX,
    inputs: [],
    prediction: PROBE,
    parameters: [],
    initialParameters: new Float32Array(),
  }
  const { nodes, prediction: probe } = emitForward(emitter, model, {
    inputs: new Map(),
    parameters: new Map(parameters.map(({ name = '' }, index) => [name, names[index] ?? ''])),
    batch: 1,
    purpose: 'training',
  })
  const forward = emitter.finish({ name: 'forward', inputs: names, outputs: [probe] })
  const one = emitter.constant(ELEMENT.float, [], [1])
  const found = buildBackwardGraph({
    graph: emitter,
    nodes,
    seeds: new Map([[probe, one]]),
    wanted: names,
  })
  const gradients = names.map(name => found.get(name))
  const wanted = gradients.filter(name => name !== undefined)
  return {
    forward,
    backward: emitter.finish({ name: 'backward', inputs: names, outputs: [...new Set(wanted)] }),
    probe,
    gradients,
    parameters: names,
    typeOf: value => emitter.type(value),
    scale: Math.sqrt(outputs.length),
    expected,
  }
}

function withProbe(
  graph: GraphProto,
  outputs: readonly ObservedOutput[],
  random: Random,
): { readonly graph: GraphProto; readonly expected: number } {
  const cotangents: TensorProto[] = []
  let expected = 0
  const parts = outputs.flatMap(({ name, shape, values }, index) => {
    const norm = euclidean(values)
    const weights = Float32Array.from(values, () => standardNormal(random) / (norm || 1))
    for (const [place, weight] of weights.entries()) expected += weight * (values[place] ?? 0)
    const cotangent = buildTensor({
      name: `${PROBE}.cotangent_${index}`,
      type: ELEMENT.float,
      shape,
      values: weights,
    })
    cotangents.push(cotangent)
    const [product, sum] = [`${PROBE}.product_${index}`, `${PROBE}.sum_${index}`]
    return [
      buildNode({ opType: 'Mul', inputs: [name, cotangent.name ?? ''], outputs: [product] }),
      buildNode({
        opType: 'ReduceSum',
        inputs: [product],
        outputs: [sum],
        attributes: [attr.int('keepdims', 0)],
      }),
    ]
  })
  const sums = outputs.map((_, index) => `${PROBE}.sum_${index}`)
  const sum = buildNode({ opType: 'Sum', inputs: sums, outputs: [PROBE] })
  const probed = {
    ...graph,
    initializer: [...graph.initializer, ...cotangents],
    node: [...graph.node.map(withoutDropout), ...parts, sum],
    output: [{ name: PROBE }],
  }
  return { graph: probed, expected }
}

/** Differences are taken of a function: what a Dropout draws anew in each run is left out. */
function withoutDropout(node: NodeProto): NodeProto {
  return node.opType === 'Dropout' ? { ...node, input: node.input.slice(0, 1) } : node
}

/** ‖x‖, which must be a number for anything to be learnt from it. */
function euclidean(values: Float32Array): number {
  let squares = 0
  for (const value of values) squares += value * value
  if (Number.isFinite(squares)) return Math.sqrt(squares)
  throw new GainnetError(
    'MODEL_INVALID',
    'the model gives infinite or undefined numbers for random inputs',
  )
}
