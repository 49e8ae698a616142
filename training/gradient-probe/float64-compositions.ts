import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr, floatAttribute, intAttribute, stringAttribute } from '../onnx/attribute.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import type { NodeProto } from '../onnx/onnx-proto.ts'
import { convolve, convolveTransposed, poolMeans } from './float64-windows.ts'
import { gaussLegendre } from './gauss-legendre.ts'

/** Emits the node's first output from operators that have float64 kernels. */
export type Composition = (graph: GraphEmitter, node: NodeProto) => ValueName

/**
 * Operators without a float64 kernel in ONNX Runtime 1.27, from those that have one. The formulas are
 * those of Operators.md; nothing is shared with the gradient rules, which are judged by them.
 */
const compositions: Readonly<Record<string, Composition>> = {
  AveragePool: poolMeans,
  // max(x, 0) + min(α(e^(x/α) − 1), 0)
  Celu: (graph, node) => {
    const [x = ''] = node.input
    const alpha = graph.scalar(floatAttribute(node, 'alpha', 1), x)
    return bend(graph, x, graph.mul(alpha, lessOne(graph, graph.div(x, alpha))))
  },
  Conv: convolve,
  ConvTranspose: convolveTransposed,
  // x > 0 ? x : α(eˣ − 1)
  Elu: (graph, node) => {
    const [x = ''] = node.input
    const alpha = graph.scalar(floatAttribute(node, 'alpha', 1), x)
    return bend(graph, x, graph.mul(alpha, lessOne(graph, x)))
  },
  Erf: (graph, { input: [x = ''] }) => erf(graph, x),
  // ½x(1 + erf(x / √2)), or with tanh ½x(1 + tanh(√(2/π)(x + 0.044715x³)))
  Gelu: (graph, node) => {
    const [x = ''] = node.input
    const half = graph.mul(graph.scalar(0.5, x), x)
    const isExact = stringAttribute(node, 'approximate', 'none') !== 'tanh'
    const share = isExact
      ? erf(graph, graph.mul(x, graph.scalar(Math.SQRT1_2, x)))
      : graph.emit('Tanh', [tanhArgument(graph, x)])
    return graph.mul(half, graph.add(graph.scalar(1, x), share))
  },
  GlobalAveragePool: (graph, { input: [x = ''] }) => reduce(graph, 'ReduceMean', x),
  GlobalMaxPool: (graph, { input: [x = ''] }) => reduce(graph, 'ReduceMax', x),
  // γ(x − mean) / √(variance + ε) + β, over each group of channels; what runs otherwise casts to float32
  GroupNormalization: (graph, node) => {
    const [x = '', scale = '', bias = ''] = node.input
    const shape = graph.shape(x)
    const groups = graph.reshape(x, [shape[0] ?? 0, intAttribute(node, 'num_groups', 1), -1])
    const axis = [graph.ints([2])]
    const centred = graph.sub(groups, graph.emit('ReduceMean', [groups, ...axis]))
    const variance = graph.emit('ReduceMean', [graph.mul(centred, centred), ...axis])
    const epsilon = graph.scalar(floatAttribute(node, 'epsilon', 1e-5), x)
    const normal = graph.div(centred, graph.emit('Sqrt', [graph.add(variance, epsilon)]))
    const scaled = graph.mul(graph.reshape(normal, shape), ofChannels(graph, scale, x))
    return graph.add(scaled, ofChannels(graph, bias, x))
  },
  // max(0, min(1, αx + β))
  HardSigmoid: (graph, node) => {
    const { alpha, beta } = {
      alpha: floatAttribute(node, 'alpha', 0.2),
      beta: floatAttribute(node, 'beta', 0.5),
    }
    return hardSigmoid(graph, node.input[0] ?? '', alpha, beta)
  },
  // x · max(0, min(1, x/6 + ½))
  HardSwish: (graph, { input: [x = ''] }) => graph.mul(x, hardSigmoid(graph, x, 1 / 6, 0.5)),
  // γ(x − mean) / √(variance + ε) + β, over the places of each channel
  InstanceNormalization: (graph, node) => {
    const [x = '', scale = '', bias = ''] = node.input
    const centred = graph.sub(x, reduce(graph, 'ReduceMean', x))
    const variance = reduce(graph, 'ReduceMean', graph.mul(centred, centred))
    const epsilon = graph.scalar(floatAttribute(node, 'epsilon', 1e-5), x)
    const normal = graph.div(centred, graph.emit('Sqrt', [graph.add(variance, epsilon)]))
    return graph.add(graph.mul(normal, ofChannels(graph, scale, x)), ofChannels(graph, bias, x))
  },
  // x > 0 ? x : αx
  LeakyRelu: (graph, node) => {
    const [x = ''] = node.input
    return bend(graph, x, graph.mul(x, graph.scalar(floatAttribute(node, 'alpha', 0.01), x)))
  },
  // x > 0 ? x : sx
  PRelu: (graph, { input: [x = '', slope = ''] }) => bend(graph, x, graph.mul(x, slope)),
  // γ(x > 0 ? x : α(eˣ − 1))
  Selu: (graph, node) => {
    const [x = ''] = node.input
    const alpha = graph.scalar(floatAttribute(node, 'alpha', 1.6732631921768188), x)
    const gamma = graph.scalar(floatAttribute(node, 'gamma', 1.0507010221481323), x)
    return graph.mul(gamma, bend(graph, x, graph.mul(alpha, lessOne(graph, x))))
  },
  // ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|)
  Softplus: (graph, { input: [x = ''] }) => {
    const decay = graph.emit('Exp', [graph.neg(graph.emit('Abs', [x]))])
    const rest = graph.emit('Log', [graph.add(graph.scalar(1, x), decay)])
    return graph.add(graph.emit('Relu', [x]), rest)
  },
  // x / (1 + |x|)
  Softsign: (graph, { input: [x = ''] }) =>
    graph.div(x, graph.add(graph.scalar(1, x), graph.emit('Abs', [x]))),
}

/** The outputs, by the composition of the operator; undefined where there is none. */
export function composeFloat64(
  graph: GraphEmitter,
  node: NodeProto,
): readonly ValueName[] | undefined {
  const { opType = '', domain = '', input, output } = node
  const isDouble = input[0] !== undefined && graph.type(input[0]).elementType === ELEMENT.double
  if (domain !== '' || output.length !== 1 || !isDouble) return undefined
  const compose = Object.hasOwn(compositions, opType) ? compositions[opType] : undefined
  return compose && [compose(graph, node)]
}

/** x where it is positive, else `below`. */
function bend(graph: GraphEmitter, x: ValueName, below: ValueName): ValueName {
  return graph.where(graph.emit('Greater', [x, graph.scalar(0, x)]), x, below)
}

/** eˣ − 1 for what is not positive; 0 beyond, where it might overflow. */
function lessOne(graph: GraphEmitter, x: ValueName): ValueName {
  const low = graph.emit('Min', [x, graph.scalar(0, x)])
  return graph.sub(graph.emit('Exp', [low]), graph.scalar(1, x))
}

function hardSigmoid(graph: GraphEmitter, x: ValueName, alpha: number, beta: number): ValueName {
  const line = graph.add(graph.mul(x, graph.scalar(alpha, x)), graph.scalar(beta, x))
  return graph.emit('Max', [graph.emit('Min', [line, graph.scalar(1, x)]), graph.scalar(0, x)])
}

function tanhArgument(graph: GraphEmitter, x: ValueName): ValueName {
  const cube = graph.mul(x, graph.mul(x, x))
  const sum = graph.add(x, graph.mul(graph.scalar(0.044715, x), cube))
  return graph.mul(graph.scalar(Math.sqrt(2 / Math.PI), x), sum)
}

/** Over the places, which keep their axes with size one. */
function reduce(graph: GraphEmitter, opType: 'ReduceMean' | 'ReduceMax', x: ValueName): ValueName {
  const axes = graph.shape(x).flatMap((_, axis) => (axis < 2 ? [] : [axis]))
  return graph.emit(opType, [x, graph.ints(axes)], [attr.int('keepdims', 1)])
}

/** One number a channel, in the shape that meets [N, C, …]. */
function ofChannels(graph: GraphEmitter, values: ValueName, x: ValueName): ValueName {
  const shape = graph.shape(x)
  return graph.reshape(values, [1, shape[1] ?? 1, ...shape.slice(2).map(() => 1)])
}

/** erf x differs from ±1 by less than float64 shows beyond this. */
const ERF_END = 6
const QUADRATURE_POINTS = 48

/** erf x = 2x/√π · ∫₀¹ e^−(xu)² du, the integral by Gauss and Legendre: exact to float64. */
function erf(graph: GraphEmitter, x: ValueName): ValueName {
  const { points, weights } = gaussLegendre(QUADRATURE_POINTS)
  const bounded = graph.emit('Max', [
    graph.emit('Min', [x, graph.scalar(ERF_END, x)]),
    graph.scalar(-ERF_END, x),
  ])
  const axis = graph.ints([graph.shape(x).length])
  const constant = (values: readonly number[], shape: readonly number[]) =>
    graph.constant(ELEMENT.double, shape, values)
  const column = graph.emit('Unsqueeze', [bounded, axis])
  const product = graph.mul(column, constant(points, [points.length]))
  const bell = graph.emit('Exp', [graph.neg(graph.mul(product, product))])
  const integral = graph.matMul(bell, constant(weights, [weights.length, 1]))
  const slope = graph.mul(bounded, graph.scalar(2 / Math.sqrt(Math.PI), x))
  return graph.mul(slope, graph.emit('Squeeze', [integral, axis]))
}
