import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr, floatAttribute, intAttribute } from '../onnx/attribute.ts'
import { elementCount } from '../onnx/tensor.ts'
import { fromFront } from '../types/type-rule.ts'
import { alongChannels, axesBut, sumOfChannels } from './channels.ts'
import { type ForwardNode, type GradientRule, unary } from './gradient-rule.ts'

// Throughout: x̂ = (x − μ) / √(σ² + ε), y = γ · x̂ + β, and what x is scaled by is r = 1 / √(σ² + ε).
// dγ = Σ dy · x̂        dβ = Σ dy
// and with g = γ · dy, where μ and σ² are of x itself (Ioffe and Szegedy 2015, section 3):
// dx = r · (g − mean g − x̂ · mean(g · x̂))

export const normalizationGradients = {
  // In training mode μ and σ² are of the batch. Otherwise they are inputs, and
  // dx = r · g           dμ = −r · Σ g          dσ² = −r² / 2 · Σ g · x̂
  BatchNormalization: (forward, graph) => {
    const { x, scale, dy, others } = normalized(forward)
    const [, mean, variance] = others
    if (!mean || !variance) throw new RangeError('mean and variance are missing')
    const epsilon = floatAttribute(forward.node, 'epsilon', 1e-5)
    if (intAttribute(forward.node, 'training_mode', 0) !== 0) {
      const axes = axesBut(graph.shape(x), 1)
      const { standard, inverse } = standardize(graph, { x, axes, epsilon })
      const g = graph.mul(dy, alongChannels(graph, scale, x))
      const dx = throughStatistics(graph, { g, standard, inverse, axes })
      const dScale = sumOfChannels(graph, graph.mul(dy, standard))
      return [dx, dScale, sumOfChannels(graph, dy), null, null]
    }
    const inverse = inverseRoot(graph, variance, epsilon)
    const centered = graph.sub(x, alongChannels(graph, mean, x))
    const dBias = sumOfChannels(graph, dy)
    const dScale = graph.mul(sumOfChannels(graph, graph.mul(dy, centered)), inverse)
    const factor = graph.mul(scale, inverse)
    const half = graph.mul(graph.mul(factor, inverse), graph.scalar(-0.5, dy))
    return [
      graph.mul(dy, alongChannels(graph, factor, x)),
      dScale,
      dBias,
      graph.neg(graph.mul(factor, dBias)),
      graph.mul(half, dScale),
    ]
  },

  // μ and σ² of each group of channels. γ and β are one number a channel from operator set 21 on, and
  // were one a group before.
  GroupNormalization: (forward, graph) => {
    const groups = intAttribute(forward.node, 'num_groups', 1)
    return groupGradients(forward, graph, { groups })
  },

  // μ and σ² of each channel.
  InstanceNormalization: (forward, graph) => {
    const [x = ''] = forward.inputs
    return groupGradients(forward, graph, { groups: graph.shape(x)[1] ?? 1 })
  },

  // μ and σ² of each sample along the axes from `axis` on, which training's forward pass has computed in
  // this same form. dγ and dβ are summed by the walker, as γ and β are stretched along the axes in front.
  LayerNormalization: (forward, graph) => {
    const { x, scale, dy, others } = normalized(forward)
    const shape = graph.shape(x)
    const axis = fromFront(intAttribute(forward.node, 'axis', -1), shape.length)
    const axes = [...shape.keys()].slice(axis)
    const epsilon = floatAttribute(forward.node, 'epsilon', 1e-5)
    const { standard, inverse } = standardize(graph, { x, axes, epsilon })
    const dScale = graph.mul(dy, standard)
    const means = weightedMeans(graph, { dy, dScale, scale, axes })
    const g = graph.mul(dy, scale)
    const dx = throughMeans(graph, { g, standard, inverse, ...means })
    return [dx, dScale, ...others.map(() => dy)]
  },

  // y = x / n,  n = ‖x‖ₚ along the axis    (y is 0 where n is 0, and dx, too)
  // p = 2:  dx = (dy − y · Σ dy · y) / n           p = 1:  dx = (dy − sign x · Σ dy · y) / n
  LpNormalization: unary(({ node, x, y, dy, graph }) => {
    const axis = fromFront(intAttribute(node, 'axis', -1), graph.shape(x).length)
    const isFirst = intAttribute(node, 'p', 2) === 1
    const size = isFirst ? graph.emit('Abs', [x]) : graph.mul(x, x)
    const sums = graph.sum(size, [axis])
    const norm = isFirst ? sums : graph.emit('Sqrt', [sums])
    const direction = isFirst ? graph.emit('Sign', [x]) : y
    const along = graph.mul(direction, graph.sum(graph.mul(dy, y), [axis]))
    const zero = graph.scalar(0, x)
    const safeNorm = graph.where(graph.emit('Equal', [norm, zero]), graph.scalar(1, x), norm)
    const isZero = graph.mask('Greater', norm, zero)
    return graph.mul(graph.div(graph.sub(dy, along), safeNorm), isZero)
  }),
} satisfies Record<string, GradientRule>

/** Input, scale and the gradient of the first output; of statistics among the outputs none is known. */
function normalized({ opType, inputs, outputGradients }: ForwardNode) {
  const [x, scale, ...others] = inputs
  const [dy, ...statistics] = outputGradients
  if (statistics.some(gradient => gradient !== undefined)) {
    throw new RangeError(`a loss that depends on the statistics of ${opType} is not known here`)
  }
  if (!x || !scale || !dy) throw new RangeError(`${opType} takes at least two inputs`)
  return { x, scale, dy, others }
}

/** [N, C, …] as [N, groups, the rest], which has the statistics along its last axis. */
function groupGradients(
  forward: ForwardNode,
  graph: GraphEmitter,
  { groups }: { readonly groups: number },
): (ValueName | null)[] {
  const { x, scale, dy } = normalized(forward)
  const shape = graph.shape(x)
  const [batch = 0, channels = 0] = shape
  const rows = [batch, groups, elementCount(shape) / (batch * groups)]
  const parts = [batch, channels, elementCount(shape.slice(2))]
  const epsilon = floatAttribute(forward.node, 'epsilon', 1e-5)
  const grouped = graph.reshape(x, rows)
  const { standard, inverse } = standardize(graph, { x: grouped, axes: [2], epsilon })
  const scaled = graph.shape(scale)[0] === groups ? rows : parts
  const dyParts = graph.reshape(dy, scaled)
  const g = graph.reshape(graph.mul(dyParts, alongChannels(graph, scale, dyParts)), rows)
  const dx = throughStatistics(graph, { g, standard, inverse, axes: [2] })
  const dScale = sumOfChannels(graph, graph.mul(dyParts, graph.reshape(standard, scaled)))
  return [graph.reshape(dx, shape), dScale, sumOfChannels(graph, dyParts)]
}

interface Standardized {
  readonly standard: ValueName
  readonly inverse: ValueName
}

/** x̂ and r with μ and σ² of x along the axes. */
export function standardize(
  graph: GraphEmitter,
  given: { readonly x: ValueName; readonly axes: readonly number[]; readonly epsilon: number },
): Standardized {
  const { x, axes, epsilon } = given
  const centered = graph.sub(x, mean(graph, x, axes))
  const variance = mean(graph, graph.mul(centered, centered), axes)
  const inverse = inverseRoot(graph, variance, epsilon)
  return { standard: graph.mul(centered, inverse), inverse }
}

function throughStatistics(
  graph: GraphEmitter,
  given: Standardized & { readonly g: ValueName; readonly axes: readonly number[] },
): ValueName {
  const { g, standard, axes } = given
  const means = {
    ofGradient: mean(graph, g, axes),
    ofProduct: mean(graph, graph.mul(g, standard), axes),
  }
  return throughMeans(graph, { ...given, ...means })
}

interface Means {
  /** mean g */
  readonly ofGradient: ValueName
  /** mean(g · x̂) */
  readonly ofProduct: ValueName
}

function throughMeans(
  graph: GraphEmitter,
  given: Standardized & Means & { readonly g: ValueName },
): ValueName {
  const { g, standard, inverse, ofGradient, ofProduct } = given
  const along = graph.mul(standard, ofProduct)
  return graph.mul(inverse, graph.sub(graph.sub(g, ofGradient), along))
}

/**
 * The means of g = γ · dy and of g · x̂. Where γ is a vector they are products with it, of dy and of
 * dy · x̂, which the gradient of γ needs anyway: one pass over the elements less.
 */
function weightedMeans(
  graph: GraphEmitter,
  given: {
    readonly dy: ValueName
    /** dy · x̂ */
    readonly dScale: ValueName
    readonly scale: ValueName
    readonly axes: readonly number[]
  },
): Means {
  const { dy, dScale, scale, axes } = given
  const [size = 0, ...others] = graph.shape(scale)
  if (axes.length > 1 || others.length > 0 || size !== graph.shape(dy).at(-1)) {
    const meanOf = (x: ValueName) => mean(graph, graph.mul(x, scale), axes)
    return { ofGradient: meanOf(dy), ofProduct: meanOf(dScale) }
  }
  const shares = graph.mul(scale, graph.scalar(1 / size, scale))
  const column = graph.reshape(shares, [size, 1])
  return { ofGradient: graph.matMul(dy, column), ofProduct: graph.matMul(dScale, column) }
}

function mean(graph: GraphEmitter, x: ValueName, axes: readonly number[]): ValueName {
  return graph.emit('ReduceMean', [x, graph.ints(axes)], [attr.int('keepdims', 1)])
}

/** 1 / √(σ² + ε) */
function inverseRoot(graph: GraphEmitter, variance: ValueName, epsilon: number): ValueName {
  const shifted = graph.add(variance, graph.scalar(epsilon, variance))
  return graph.emit('Reciprocal', [graph.emit('Sqrt', [shifted])])
}
