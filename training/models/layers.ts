import type { ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { elementCount } from '../onnx/tensor.ts'
import { filledWith, heNormal, type InitialWeights } from './initial-weights.ts'
import type { ModelBuilder } from './model-builder.ts'

/** Layers name their parameters `<name>.weight` and `<name>.bias`, and their value `<name>`. */
interface LayerOptions {
  readonly name: string
  /** The name of the value, where it is not that of the layer. */
  readonly output?: string
}

/**
 * y = x · W + b over the last axis, W of [inputs, size]: one Gemm for a vector a sample, else MatMul
 * and Add.
 */
export function linear(
  model: ModelBuilder,
  x: ValueName,
  options: LayerOptions & {
    readonly size: number
    readonly initial?: InitialWeights
    readonly hasBias?: boolean
  },
): ValueName {
  const { name, output = name, size, initial = heNormal, hasBias = true } = options
  const shape = model.graph.shape(x)
  const fanIn = shape.at(-1) ?? 0
  const fans = { fanIn, fanOut: size }
  const weight = model.parameter(`${name}.weight`, [fanIn, size], initial, fans)
  const bias = hasBias ? [model.parameter(`${name}.bias`, [size])] : []
  if (shape.length === 2) return model.node('Gemm', [x, weight, ...bias], { output })
  if (!hasBias) return model.node('MatMul', [x, weight], { output })
  return model.node('Add', [model.graph.matMul(x, weight), ...bias], { output })
}

/**
 * A convolution over [batch, channels, …space] with an odd kernel, padded so that a stride of 1 keeps
 * the size; a stride of s gives every s-th place.
 */
export function convolution(
  model: ModelBuilder,
  x: ValueName,
  options: LayerOptions & {
    readonly channels: number
    readonly kernel: number
    readonly stride?: number
    readonly groups?: number
    readonly initial?: InitialWeights
    readonly hasBias?: boolean
  },
): ValueName {
  const { name, output = name, channels, kernel, stride = 1, groups = 1 } = options
  const { initial = heNormal, hasBias = true } = options
  const [, inputChannels = 0, ...space] = model.graph.shape(x)
  const kernelShape = space.map(() => kernel)
  const shape = [channels, inputChannels / groups, ...kernelShape]
  const places = elementCount(kernelShape)
  const fans = { fanIn: elementCount(shape.slice(1)), fanOut: (channels / groups) * places }
  const weight = model.parameter(`${name}.weight`, shape, initial, fans)
  const bias = hasBias ? [model.parameter(`${name}.bias`, [channels])] : []
  const border = space.map(() => (kernel - 1) / 2)
  return model.node('Conv', [x, weight, ...bias], {
    output,
    attributes: [
      attr.ints('kernel_shape', kernelShape),
      attr.ints('pads', [...border, ...border]),
      ...(stride === 1
        ? []
        : [
            attr.ints(
              'strides',
              space.map(() => stride),
            ),
          ]),
      ...(groups === 1 ? [] : [attr.int('group', groups)]),
    ],
  })
}

/** Wu and He 2018: mean and variance of each sample and group of channels, no running statistics. */
export function groupNormalization(
  model: ModelBuilder,
  x: ValueName,
  options: LayerOptions & { readonly groups: number },
): ValueName {
  const { name, output = name, groups } = options
  const [, channels = 0] = model.graph.shape(x)
  const scale = model.parameter(`${name}.weight`, [channels], filledWith(1))
  const bias = model.parameter(`${name}.bias`, [channels])
  const attributes = [attr.int('num_groups', groups), attr.float('epsilon', 1e-5)]
  return model.node('GroupNormalization', [x, scale, bias], { output, attributes })
}

/** Ba et al. 2016: mean and variance over the last axis. */
export function layerNormalization(
  model: ModelBuilder,
  x: ValueName,
  options: LayerOptions,
): ValueName {
  const { name, output = name } = options
  const size = model.graph.shape(x).at(-1) ?? 0
  const scale = model.parameter(`${name}.weight`, [size], filledWith(1))
  const bias = model.parameter(`${name}.bias`, [size])
  const attributes = [attr.int('axis', -1), attr.float('epsilon', 1e-5)]
  return model.node('LayerNormalization', [x, scale, bias], { output, attributes })
}

/** The largest of each window of `size`, windows side by side. */
export function maxPool(model: ModelBuilder, x: ValueName, size: number): ValueName {
  const window = model.sampleShape(x).slice(1).fill(size)
  const attributes = [attr.ints('kernel_shape', window), attr.ints('strides', window)]
  return model.node('MaxPool', [x], { attributes })
}

/** The mean of each channel: [batch, channels, …space] → [batch, channels]. */
export function globalAverage(model: ModelBuilder, x: ValueName): ValueName {
  return model.node('Flatten', [model.node('GlobalAveragePool', [x])])
}

export const ACTIVATIONS = ['relu', 'tanh', 'gelu', 'silu'] as const
export type Activation = (typeof ACTIVATIONS)[number]

const OPERATORS = { relu: 'Relu', tanh: 'Tanh', gelu: 'Gelu' } as const

/** silu(x) = x · σ(x) (Elfwing et al. 2018), for which ONNX has no operator. */
export function activate(
  model: ModelBuilder,
  x: ValueName,
  activation: Activation,
  output?: string,
): ValueName {
  const named = output === undefined ? {} : { output }
  if (activation !== 'silu') return model.node(OPERATORS[activation], [x], named)
  return model.node('Mul', [x, model.node('Sigmoid', [x])], named)
}
