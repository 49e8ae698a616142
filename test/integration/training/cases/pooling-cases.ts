import { attr, intAttribute, intsAttribute } from '../../../../training/onnx/attribute.ts'
import type { NodeProto } from '../../../../training/onnx/onnx-proto.ts'
import { elementCount } from '../../../../training/onnx/tensor.ts'
import type { Float64Tensor, ReferenceCase, ReferenceOperator } from '../reference-check.ts'
import { given, isInside, place, positions, readSlide, slidTo } from './reference-loops.ts'

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

export function largest(values: readonly number[]): number {
  return Math.max(...values)
}

/** One number for each window, from those places in it that are not padding. */
function pool(
  x: Float64Tensor,
  node: NodeProto,
  reduce: (inside: readonly number[], all: number) => number,
): Float64Tensor {
  const [batch = 0, channels = 0, ...sizes] = x.shape
  const kernel = intsAttribute(node, 'kernel_shape') ?? []
  const slide = readSlide(node, sizes, kernel)
  const outputSizes = sizes.map((size, axis) => {
    const [begin = 0, end = 0] = [slide.begin[axis], slide.end[axis]]
    const stride = slide.strides[axis] ?? 1
    const extent = ((kernel[axis] ?? 1) - 1) * (slide.dilations[axis] ?? 1) + 1
    const steps = (size + begin + end - extent) / stride
    if (!intAttribute(node, 'ceil_mode', 0)) return Math.floor(steps) + 1
    const count = Math.ceil(steps) + 1
    return (count - 1) * stride >= size + begin ? count - 1 : count
  })
  const shape = [batch, channels, ...outputSizes]
  const values = new Float64Array(elementCount(shape))
  for (const [n = 0, c = 0, ...output] of positions(shape)) {
    const inside: number[] = []
    for (const offset of positions(kernel)) {
      const input = slidTo(slide, output, offset)
      if (isInside(input, sizes)) inside.push(x.values[place([n, c, ...input], x.shape)] ?? 0)
    }
    values[place([n, c, ...output], shape)] = reduce(inside, elementCount(kernel))
  }
  return { shape, values }
}

export const maxPoolReference: ReferenceOperator = (inputs, node) => [
  pool(given(inputs, 0), node, largest),
]

export const averagePoolReference: ReferenceOperator = (inputs, node) => {
  const countsPads = intAttribute(node, 'count_include_pad', 0) !== 0
  const average = (inside: readonly number[], all: number) =>
    (mean(inside) * inside.length) / (countsPads ? all : inside.length)
  return [pool(given(inputs, 0), node, average)]
}

export function globalPoolReference(
  reduce: (values: readonly number[]) => number,
): ReferenceOperator {
  return inputs => {
    const { shape, values } = given(inputs, 0)
    const [batch = 0, channels = 0, ...sizes] = shape
    const count = elementCount(sizes)
    const pooled = Float64Array.from({ length: batch * channels }, (_, row) =>
      reduce([...values.subarray(row * count, (row + 1) * count)]),
    )
    return [{ shape: [batch, channels, ...sizes.map(() => 1)], values: pooled }]
  }
}

const kernel2 = attr.ints('kernel_shape', [2, 2])
const kernel3 = attr.ints('kernel_shape', [3, 3])
const strides2 = attr.ints('strides', [2, 2])
const pads1 = attr.ints('pads', [1, 1, 1, 1])
const ceils = attr.int('ceil_mode', 1)

export const maxPoolCases: readonly ReferenceCase[] = [
  {
    name: 'windows side by side',
    inputs: [{ shape: [2, 3, 4, 6] }],
    attributes: [kernel2, strides2],
  },
  {
    name: 'windows side by side, a rest left over',
    inputs: [{ shape: [2, 2, 5, 7] }],
    attributes: [kernel2, strides2],
  },
  {
    name: 'windows side by side, padded',
    inputs: [{ shape: [2, 2, 5, 4] }],
    attributes: [kernel3, attr.ints('strides', [3, 3]), attr.ints('pads', [1, 0, 0, 2])],
  },
  {
    name: 'windows that overlap',
    inputs: [{ shape: [2, 2, 5, 6] }],
    attributes: [kernel3, strides2, pads1],
  },
  {
    name: 'a stride of one, dilated',
    inputs: [{ shape: [1, 2, 6, 5] }],
    attributes: [kernel2, attr.ints('dilations', [3, 2])],
  },
  {
    name: 'windows over the end',
    inputs: [{ shape: [2, 2, 5, 7] }],
    attributes: [kernel2, strides2, ceils],
  },
  {
    name: 'windows that overlap, over the end',
    inputs: [{ shape: [1, 2, 6, 4] }],
    attributes: [kernel3, strides2, pads1, ceils],
  },
  {
    name: 'SAME_UPPER',
    inputs: [{ shape: [1, 2, 5, 6] }],
    attributes: [kernel3, strides2, attr.string('auto_pad', 'SAME_UPPER')],
  },
  {
    name: 'one axis',
    inputs: [{ shape: [2, 3, 7] }],
    attributes: [attr.ints('kernel_shape', [2]), attr.ints('strides', [2])],
  },
  {
    name: 'one axis, windows that overlap',
    inputs: [{ shape: [2, 3, 7] }],
    attributes: [attr.ints('kernel_shape', [3]), attr.ints('pads', [1, 1])],
  },
  {
    name: 'one axis, its indices among the outputs',
    inputs: [{ shape: [2, 3, 6] }],
    attributes: [attr.ints('kernel_shape', [2]), attr.ints('strides', [2])],
    outputs: ['y', 'indices'],
    seeded: ['y'],
  },
]

const countsPads = attr.int('count_include_pad', 1)

export const averagePoolCases: readonly ReferenceCase[] = [
  {
    name: 'windows side by side',
    inputs: [{ shape: [2, 3, 4, 6] }],
    attributes: [kernel2, strides2],
  },
  {
    name: 'a rest left over',
    inputs: [{ shape: [2, 2, 5, 7] }],
    attributes: [kernel2, strides2],
  },
  {
    name: 'windows that overlap, pads not counted',
    inputs: [{ shape: [2, 2, 5, 6] }],
    attributes: [kernel3, strides2, pads1],
  },
  {
    name: 'windows that overlap, pads counted',
    inputs: [{ shape: [2, 2, 5, 6] }],
    attributes: [kernel3, strides2, pads1, countsPads],
  },
  {
    name: 'unequal pads, not counted',
    inputs: [{ shape: [1, 2, 5, 4] }],
    attributes: [kernel3, attr.ints('pads', [0, 2, 1, 0])],
  },
  {
    name: 'SAME_LOWER',
    inputs: [{ shape: [1, 2, 5, 4] }],
    attributes: [kernel2, attr.string('auto_pad', 'SAME_LOWER')],
  },
  {
    name: 'dilated',
    inputs: [{ shape: [1, 2, 6, 5] }],
    attributes: [kernel2, attr.ints('dilations', [2, 3]), pads1],
  },
  {
    name: 'a ceiling that changes nothing',
    inputs: [{ shape: [2, 2, 4, 4] }],
    attributes: [kernel2, strides2, ceils],
  },
  {
    name: 'one axis',
    inputs: [{ shape: [2, 3, 7] }],
    attributes: [attr.ints('kernel_shape', [3]), attr.ints('strides', [2])],
  },
]

export const globalPoolCases: readonly ReferenceCase[] = [
  { name: 'two axes', inputs: [{ shape: [2, 3, 4, 3] }] },
  { name: 'one axis', inputs: [{ shape: [2, 3, 5] }] },
]
