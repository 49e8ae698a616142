import type { ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { heNormal, type InitialWeights, scaled, xavierUniform } from './initial-weights.ts'
import { activate } from './layers.ts'
import type { ModelBuilder } from './model-builder.ts'

export interface ChannelNetworkSizes {
  /** Numbers that a channel has going in and out. */
  readonly features: number
  readonly outputs: number
  /** Width of each hidden layer. */
  readonly hidden: number
  /** Hidden layers that see the mean over all channels. */
  readonly layers: number
  /** What the weights of the last layer begin as, times the usual. */
  readonly outputScale?: number
  /** Numbers that are told of all channels together, the step of a denoiser say; 0 for none. */
  readonly told?: number
}

/** [channels, batch, features], and what is told as [batch or 1, told] → [channels, batch, outputs]. */
export type ChannelNetwork = (features: ValueName, told?: ValueName) => ValueName

/**
 * One small network for all channels, which sees the others as their mean: a channel fares the same
 * wherever it stands, and the parameters do not depend on how many there are (deep sets, Zaheer et
 * al. 2017).
 *
 *   h⁰ᵢ = relu(xᵢ W + told U + b)      hⁿᵢ = relu(hⁿ⁻¹ᵢ A + mean(hⁿ⁻¹) B + b)      yᵢ = hᵢ V + b
 *
 * Parameters are made at once and used by each call, so that a graph may hold several passes. Channels
 * are the first axis: what all of them are given then goes to long runs of memory, and a bias into the
 * product. With the batch first, most of the time goes into adding rows of sixteen numbers.
 */
export function channelNetwork(model: ModelBuilder, sizes: ChannelNetworkSizes): ChannelNetwork {
  const { features, outputs, hidden, layers, told = 0, outputScale = 1 } = sizes
  const weight = (name: string, from: number, to: number, initial: InitialWeights = heNormal) =>
    model.parameter(name, [from, to], initial, { fanIn: from, fanOut: to })
  const half = scaled(heNormal, Math.SQRT1_2)
  const input = {
    weight: weight('input.weight', features, hidden),
    bias: model.parameter('input.bias', [hidden]),
    told: told > 0 ? weight('told.weight', told, hidden) : undefined,
  }
  const stack = Array.from({ length: layers }, (_, layer) => ({
    own: weight(`layer.${layer}.own.weight`, hidden, hidden, half),
    mean: weight(`layer.${layer}.mean.weight`, hidden, hidden, half),
    bias: model.parameter(`layer.${layer}.bias`, [hidden]),
  }))
  const output = {
    weight: weight('output.weight', hidden, outputs, scaled(xavierUniform, outputScale)),
    bias: model.parameter('output.bias', [outputs]),
  }
  return (x, context) => {
    let stream = activate(model, emitInput(model, x, { ...input, context }), 'relu')
    for (const layer of stack) stream = activate(model, emitLayer(model, stream, layer), 'relu')
    return eachChannel(model, stream, [output.weight, output.bias])
  }
}

function emitInput(
  model: ModelBuilder,
  x: ValueName,
  o: {
    readonly weight: ValueName
    readonly bias: ValueName
    readonly told: ValueName | undefined
    readonly context: ValueName | undefined
  },
): ValueName {
  if (o.told === undefined || o.context === undefined)
    return eachChannel(model, x, [o.weight, o.bias])
  const told = model.node('Gemm', [o.context, o.told, o.bias])
  if (model.graph.shape(told)[0] === 1) return eachChannel(model, x, [o.weight, told])
  return model.graph.add(eachChannel(model, x, [o.weight]), told)
}

function emitLayer(
  model: ModelBuilder,
  stream: ValueName,
  { own, mean, bias }: Readonly<Record<'own' | 'mean' | 'bias', ValueName>>,
): ValueName {
  const { graph } = model
  const pooled = graph.emit('ReduceMean', [stream, graph.ints([0])], [attr.int('keepdims', 0)])
  const shared = model.node('Gemm', [pooled, mean, bias])
  return graph.add(eachChannel(model, stream, [own]), shared)
}

/** One product over all channels and rows. */
function eachChannel(model: ModelBuilder, x: ValueName, weights: readonly ValueName[]): ValueName {
  const { graph } = model
  const [channels = 0, , features = 0] = graph.shape(x)
  const product = model.node('Gemm', [model.reshape(x, [features]), ...weights])
  const outputs = graph.shape(product).at(-1) ?? 0
  return graph.emit('Reshape', [product, graph.ints([channels, -1, outputs])])
}

/** Channels before rows, or rows before channels again. */
export function swapChannels(model: ModelBuilder, x: ValueName): ValueName {
  return model.graph.transpose(x, [1, 0, 2])
}
