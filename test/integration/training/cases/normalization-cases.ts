import { attr, floatAttribute, intAttribute } from '../../../../training/onnx/attribute.ts'
import { elementCount } from '../../../../training/onnx/tensor.ts'
import type { Float64Tensor, ReferenceCase, ReferenceOperator } from '../reference-check.ts'
import { given, place, positions } from './reference-loops.ts'

type Position = readonly number[]

/** What lies in one group is made to have mean 0 and variance 1; then scaled and shifted. */
function normalize(
  x: Float64Tensor,
  parts: {
    readonly epsilon: number
    readonly groupOf: (position: Position) => number
    readonly scale: (position: Position) => number
    readonly bias: (position: Position) => number
  },
): Float64Tensor {
  const members = new Map<number, number[]>()
  for (const position of positions(x.shape)) {
    const group = parts.groupOf(position)
    const values = members.get(group) ?? []
    values.push(x.values[place(position, x.shape)] ?? Number.NaN)
    members.set(group, values)
  }
  const statistics = new Map([...members].map(([group, values]) => [group, momentsOf(values)]))
  const values = new Float64Array(x.values.length)
  for (const position of positions(x.shape)) {
    const at = place(position, x.shape)
    const { mean, variance } = statistics.get(parts.groupOf(position)) ?? momentsOf([])
    const standard = ((x.values[at] ?? Number.NaN) - mean) / Math.sqrt(variance + parts.epsilon)
    values[at] = parts.scale(position) * standard + parts.bias(position)
  }
  return { shape: x.shape, values }
}

function momentsOf(values: readonly number[]) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  return { mean, variance }
}

function epsilonOf(node: Parameters<ReferenceOperator>[1]): number {
  return floatAttribute(node, 'epsilon', 1e-5)
}

export const batchNormalizationReference: ReferenceOperator = (inputs, node) => {
  const x = given(inputs, 0)
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map(index => given(inputs, index).values)
  const channel = ([, c = 0]: Position) => c
  const affine = {
    epsilon: epsilonOf(node),
    scale: (position: Position) => scale?.[channel(position)] ?? Number.NaN,
    bias: (position: Position) => bias?.[channel(position)] ?? Number.NaN,
  }
  if (intAttribute(node, 'training_mode', 0)) {
    return [normalize(x, { ...affine, groupOf: channel })]
  }
  const values = Float64Array.from(x.values)
  for (const position of positions(x.shape)) {
    const at = place(position, x.shape)
    const c = channel(position)
    const standard =
      ((x.values[at] ?? Number.NaN) - (mean?.[c] ?? 0)) /
      Math.sqrt((variance?.[c] ?? 0) + affine.epsilon)
    values[at] = affine.scale(position) * standard + affine.bias(position)
  }
  return [{ shape: x.shape, values }]
}

export const layerNormalizationReference: ReferenceOperator = (inputs, node) => {
  const [x, scale, bias] = [given(inputs, 0), given(inputs, 1), inputs[2]]
  const stated = intAttribute(node, 'axis', -1)
  const axis = stated < 0 ? stated + x.shape.length : stated
  const inner = x.shape.slice(axis)
  return [
    normalize(x, {
      epsilon: epsilonOf(node),
      groupOf: position => place(position.slice(0, axis), x.shape.slice(0, axis)),
      scale: position => scale.values[place(position.slice(axis), inner)] ?? Number.NaN,
      bias: position => bias?.values[place(position.slice(axis), inner)] ?? 0,
    }),
  ]
}

export const groupNormalizationReference: ReferenceOperator = (inputs, node) => {
  const [x, scale, bias] = [given(inputs, 0), given(inputs, 1), given(inputs, 2)]
  const [, channels = 0] = x.shape
  const groups = intAttribute(node, 'num_groups', 1)
  const group = (c: number) => Math.floor((c * groups) / channels)
  // Before operator set 21 one scale and bias a group.
  const affine = (c: number) => (scale.values.length === channels ? c : group(c))
  return [
    normalize(x, {
      epsilon: epsilonOf(node),
      groupOf: ([n = 0, c = 0]) => n * groups + group(c),
      scale: ([, c = 0]) => scale.values[affine(c)] ?? Number.NaN,
      bias: ([, c = 0]) => bias.values[affine(c)] ?? Number.NaN,
    }),
  ]
}

export const instanceNormalizationReference: ReferenceOperator = (inputs, node) => {
  const [x, scale, bias] = [given(inputs, 0), given(inputs, 1), given(inputs, 2)]
  return [
    normalize(x, {
      epsilon: epsilonOf(node),
      groupOf: position => place(position.slice(0, 2), x.shape.slice(0, 2)),
      scale: ([, c = 0]) => scale.values[c] ?? Number.NaN,
      bias: ([, c = 0]) => bias.values[c] ?? Number.NaN,
    }),
  ]
}

export const lpNormalizationReference: ReferenceOperator = (inputs, node) => {
  const { shape, values } = given(inputs, 0)
  const axis = (intAttribute(node, 'axis', -1) + shape.length) % shape.length
  const p = intAttribute(node, 'p', 2)
  const norms = new Map<number, number>()
  const line = (position: Position) => place(position.with(axis, 0), shape)
  for (const position of positions(shape)) {
    const power = Math.abs(values[place(position, shape)] ?? 0) ** p
    norms.set(line(position), (norms.get(line(position)) ?? 0) + power)
  }
  const result = new Float64Array(elementCount(shape))
  for (const position of positions(shape)) {
    const norm = (norms.get(line(position)) ?? 0) ** (1 / p)
    const at = place(position, shape)
    result[at] = norm === 0 ? 0 : (values[at] ?? 0) / norm
  }
  return [{ shape, values: result }]
}

const positive = { from: 0.5, to: 2 }
const epsilon = attr.float('epsilon', Math.fround(0.01))
const trains = attr.int('training_mode', 1)

export const batchNormalizationCases: readonly ReferenceCase[] = [
  {
    name: 'frozen, two axes',
    inputs: [
      { shape: [2, 3, 2, 3] },
      { shape: [3] },
      { shape: [3] },
      { shape: [3] },
      { shape: [3], ...positive },
    ],
  },
  {
    name: 'frozen, without axes, its own epsilon',
    inputs: [
      { shape: [4, 2] },
      { shape: [2] },
      { shape: [2] },
      { shape: [2] },
      { shape: [2], ...positive },
    ],
    attributes: [epsilon],
  },
  {
    name: 'training, two axes',
    inputs: [
      { shape: [2, 3, 2, 3] },
      { shape: [3] },
      { shape: [3] },
      { shape: [3], withoutGradient: true },
      { shape: [3], ...positive, withoutGradient: true },
    ],
    attributes: [trains],
    outputs: ['y', 'running_mean', 'running_var'],
    seeded: ['y'],
  },
  {
    name: 'training, without axes, its own epsilon',
    inputs: [
      { shape: [5, 2] },
      { shape: [2] },
      { shape: [2] },
      { shape: [2], withoutGradient: true },
      { shape: [2], ...positive, withoutGradient: true },
    ],
    attributes: [trains, epsilon, attr.float('momentum', 0.5)],
    outputs: ['y', 'running_mean', 'running_var'],
    seeded: ['y'],
  },
]

export const layerNormalizationCases: readonly ReferenceCase[] = [
  { name: 'the last axis', inputs: [{ shape: [2, 3, 5] }, { shape: [5] }, { shape: [5] }] },
  {
    name: 'two axes, without a bias',
    inputs: [{ shape: [2, 3, 4] }, { shape: [3, 4] }],
    attributes: [attr.int('axis', 1), epsilon],
  },
  {
    name: 'with statistics among the outputs',
    inputs: [{ shape: [3, 4] }, { shape: [4] }, { shape: [4] }],
    outputs: ['y', 'mean', 'inverse'],
    seeded: ['y'],
  },
  { name: 'a matrix, without a bias', inputs: [{ shape: [3, 4] }, { shape: [4] }] },
]

export const groupNormalizationCases: readonly ReferenceCase[] = [
  {
    name: 'a scale a channel',
    inputs: [{ shape: [2, 4, 2, 3] }, { shape: [4] }, { shape: [4] }],
    attributes: [attr.int('num_groups', 2), epsilon],
  },
  {
    name: 'one group',
    inputs: [{ shape: [2, 3, 4] }, { shape: [3] }, { shape: [3] }],
    attributes: [attr.int('num_groups', 1)],
  },
  {
    name: 'a scale a group, as before operator set 21',
    inputs: [{ shape: [2, 6, 3] }, { shape: [2] }, { shape: [2] }],
    attributes: [attr.int('num_groups', 2)],
    opset: 18,
  },
]

export const instanceNormalizationCases: readonly ReferenceCase[] = [
  { name: 'two axes', inputs: [{ shape: [2, 3, 2, 4] }, { shape: [3] }, { shape: [3] }] },
  {
    name: 'one axis, its own epsilon',
    inputs: [{ shape: [2, 2, 5] }, { shape: [2] }, { shape: [2] }],
    attributes: [epsilon],
  },
]

export const lpNormalizationCases: readonly ReferenceCase[] = [
  { name: 'the length of the last axis', inputs: [{ shape: [3, 4] }] },
  {
    name: 'sizes along the first axis',
    inputs: [{ shape: [3, 4], ...positive }],
    attributes: [attr.int('p', 1), attr.int('axis', 0)],
  },
  {
    name: 'sizes along a middle axis, negative ones',
    inputs: [{ shape: [2, 3, 2], from: -2, to: -0.5 }],
    attributes: [attr.int('p', 1), attr.int('axis', 1)],
  },
]
