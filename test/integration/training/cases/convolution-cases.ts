import { attr, intAttribute, intsAttribute } from '../../../../training/onnx/attribute.ts'
import { elementCount } from '../../../../training/onnx/tensor.ts'
import type { ReferenceCase, ReferenceOperator } from '../reference-check.ts'
import { given, isInside, place, positions, readSlide, slidTo } from './reference-loops.ts'

export const convReference: ReferenceOperator = (inputs, node) => {
  const [x, w, b] = [given(inputs, 0), given(inputs, 1), inputs[2]]
  const [batch = 0, , ...sizes] = x.shape
  const [outputs = 0, groupChannels = 0, ...kernel] = w.shape
  const slide = readSlide(node, sizes, kernel)
  const groupOutputs = outputs / intAttribute(node, 'group', 1)
  const outputSizes = sizes.map((size, axis) => {
    const extent = ((kernel[axis] ?? 1) - 1) * (slide.dilations[axis] ?? 1) + 1
    const room = size + (slide.begin[axis] ?? 0) + (slide.end[axis] ?? 0) - extent
    return Math.floor(room / (slide.strides[axis] ?? 1)) + 1
  })
  const shape = [batch, outputs, ...outputSizes]
  const values = new Float64Array(elementCount(shape))
  for (const [n = 0, m = 0, ...output] of positions(shape)) {
    let sum = b?.values[m] ?? 0
    for (const [c = 0, ...offset] of positions([groupChannels, ...kernel])) {
      const input = slidTo(slide, output, offset)
      if (!isInside(input, sizes)) continue
      const channel = Math.floor(m / groupOutputs) * groupChannels + c
      const pixel = x.values[place([n, channel, ...input], x.shape)] ?? Number.NaN
      sum += pixel * (w.values[place([m, c, ...offset], w.shape)] ?? Number.NaN)
    }
    values[place([n, m, ...output], shape)] = sum
  }
  return [{ shape, values }]
}

export const convTransposeReference: ReferenceOperator = (inputs, node) => {
  const [x, w, b] = [given(inputs, 0), given(inputs, 1), inputs[2]]
  const [batch = 0, channels = 0, ...sizes] = x.shape
  const [, groupOutputs = 0, ...kernel] = w.shape
  const group = intAttribute(node, 'group', 1)
  const slide = readSlide(node, sizes, kernel)
  const more = intsAttribute(node, 'output_padding') ?? kernel.map(() => 0)
  const outputSizes = sizes.map((size, axis) => {
    const extent = ((kernel[axis] ?? 1) - 1) * (slide.dilations[axis] ?? 1) + 1
    const steps = (size - 1) * (slide.strides[axis] ?? 1)
    return steps + extent + (more[axis] ?? 0) - (slide.begin[axis] ?? 0) - (slide.end[axis] ?? 0)
  })
  const shape = [batch, groupOutputs * group, ...outputSizes]
  const values = new Float64Array(elementCount(shape))
  for (const [n, m = 0] of positions([batch, groupOutputs * group])) {
    for (const output of positions(outputSizes)) {
      values[place([n ?? 0, m, ...output], shape)] = b?.values[m] ?? 0
    }
  }
  for (const [n = 0, c = 0, ...input] of positions(x.shape)) {
    const first = Math.floor(c / (channels / group)) * groupOutputs
    for (const [m = 0, ...offset] of positions([groupOutputs, ...kernel])) {
      const output = slidTo(slide, input, offset)
      if (!isInside(output, outputSizes)) continue
      const pixel = x.values[place([n, c, ...input], x.shape)] ?? Number.NaN
      const at = place([n, first + m, ...output], shape)
      values[at] = (values[at] ?? 0) + pixel * (w.values[place([c, m, ...offset], w.shape)] ?? 0)
    }
  }
  return [{ shape, values }]
}

const strides2 = attr.ints('strides', [2, 2])
const pads1 = attr.ints('pads', [1, 1, 1, 1])

export const convCases: readonly ReferenceCase[] = [
  {
    name: 'one channel, a bias',
    inputs: [{ shape: [2, 1, 5, 6] }, { shape: [3, 1, 3, 3] }, { shape: [3] }],
  },
  {
    name: 'padded',
    inputs: [{ shape: [2, 3, 4, 5] }, { shape: [2, 3, 3, 3] }],
    attributes: [pads1, attr.ints('kernel_shape', [3, 3])],
  },
  {
    name: 'many channels, a stride that leaves a rest',
    inputs: [{ shape: [2, 8, 4, 5] }, { shape: [2, 8, 3, 3] }, { shape: [2] }],
    attributes: [strides2, pads1],
  },
  {
    name: 'many channels, a kernel of one',
    inputs: [{ shape: [2, 8, 3, 4] }, { shape: [5, 8, 1, 1] }],
  },
  {
    name: 'a kernel of one that strides',
    inputs: [{ shape: [1, 3, 6, 5] }, { shape: [4, 3, 1, 1] }],
    attributes: [strides2],
  },
  {
    name: 'dilated, unequal pads',
    inputs: [{ shape: [1, 2, 7, 8] }, { shape: [3, 2, 3, 2] }],
    attributes: [attr.ints('dilations', [2, 3]), attr.ints('pads', [2, 0, 1, 3])],
  },
  {
    name: 'dilated with strides',
    inputs: [{ shape: [2, 2, 9, 8] }, { shape: [3, 2, 2, 3] }],
    attributes: [attr.ints('dilations', [3, 2]), strides2, pads1],
  },
  {
    name: 'SAME_UPPER',
    inputs: [{ shape: [2, 2, 5, 6] }, { shape: [3, 2, 2, 3] }],
    attributes: [strides2, attr.string('auto_pad', 'SAME_UPPER')],
  },
  {
    name: 'SAME_LOWER',
    inputs: [{ shape: [1, 2, 4, 5] }, { shape: [3, 2, 2, 4] }],
    attributes: [attr.string('auto_pad', 'SAME_LOWER')],
  },
  {
    name: 'VALID',
    inputs: [{ shape: [1, 2, 4, 5] }, { shape: [3, 2, 2, 4] }],
    attributes: [attr.string('auto_pad', 'VALID')],
  },
  {
    name: 'two groups',
    inputs: [{ shape: [2, 4, 5, 4] }, { shape: [6, 2, 3, 3] }, { shape: [6] }],
    attributes: [attr.int('group', 2), pads1, strides2],
  },
  {
    name: 'depthwise',
    inputs: [{ shape: [2, 3, 5, 4] }, { shape: [3, 1, 3, 2] }, { shape: [3] }],
    attributes: [attr.int('group', 3), attr.ints('pads', [1, 0, 2, 1])],
  },
  {
    name: 'depthwise with two outputs a channel, dilated',
    inputs: [{ shape: [2, 3, 6, 5] }, { shape: [6, 1, 3, 3] }],
    attributes: [attr.int('group', 3), attr.ints('dilations', [2, 1]), pads1],
  },
  {
    name: 'depthwise with strides',
    inputs: [{ shape: [2, 3, 6, 5] }, { shape: [3, 1, 3, 3] }],
    attributes: [attr.int('group', 3), strides2, pads1],
  },
  {
    name: 'depthwise with more pads than the kernel reaches',
    inputs: [{ shape: [1, 2, 3, 3] }, { shape: [2, 1, 2, 2] }],
    attributes: [attr.int('group', 2), attr.ints('pads', [2, 2, 0, 1])],
  },
  { name: 'one axis', inputs: [{ shape: [2, 3, 9] }, { shape: [4, 3, 3] }, { shape: [4] }] },
  {
    name: 'one axis, many channels, strided, dilated, padded',
    inputs: [{ shape: [2, 8, 10] }, { shape: [3, 8, 3] }],
    attributes: [attr.ints('strides', [3]), attr.ints('dilations', [2]), attr.ints('pads', [2, 1])],
  },
  {
    name: 'one axis, depthwise',
    inputs: [{ shape: [2, 3, 7] }, { shape: [3, 1, 3] }, { shape: [3] }],
    attributes: [attr.int('group', 3), attr.ints('pads', [2, 0])],
  },
  { name: 'three axes', inputs: [{ shape: [1, 2, 3, 4, 3] }, { shape: [2, 2, 2, 2, 2] }] },
]

export const convTransposeCases: readonly ReferenceCase[] = [
  {
    name: 'plain, a bias',
    inputs: [{ shape: [2, 3, 3, 4] }, { shape: [3, 2, 3, 2] }, { shape: [2] }],
  },
  {
    name: 'strided, padded, with output_padding',
    inputs: [{ shape: [2, 2, 3, 4] }, { shape: [2, 3, 3, 3] }],
    attributes: [strides2, pads1, attr.ints('output_padding', [1, 0])],
  },
  {
    name: 'two groups, dilated, unequal pads',
    inputs: [{ shape: [1, 4, 4, 3] }, { shape: [4, 3, 2, 3] }, { shape: [6] }],
    attributes: [
      attr.int('group', 2),
      attr.ints('dilations', [2, 1]),
      attr.ints('pads', [1, 0, 0, 1]),
    ],
  },
  {
    name: 'depthwise with strides',
    inputs: [{ shape: [2, 3, 3, 3] }, { shape: [3, 1, 2, 2] }],
    attributes: [attr.int('group', 3), strides2],
  },
  {
    name: 'many channels out',
    inputs: [{ shape: [2, 2, 3, 2] }, { shape: [2, 8, 3, 3] }],
    attributes: [strides2, pads1],
  },
  {
    name: 'one axis, strided',
    inputs: [{ shape: [2, 3, 5] }, { shape: [3, 2, 4] }, { shape: [2] }],
    attributes: [
      attr.ints('strides', [3]),
      attr.ints('pads', [1, 1]),
      attr.ints('output_padding', [2]),
    ],
  },
]
