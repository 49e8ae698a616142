import { findAttribute, intAttribute, intsAttribute, stringAttribute } from '../onnx/attribute.ts'
import type { NodeProto } from '../onnx/onnx-proto.ts'
import type { TypeRule } from './type-rule.ts'
import { reach, readWindow, type Window, windowAttributes } from './window.ts'

const conv: TypeRule = ({ node, input }) => {
  const { elementType, shape } = input(0)
  const weights = input(1).shape
  const [batch = 0, channels = 0] = shape
  const [outputs = 0, groupChannels = 0] = weights
  const group = intAttribute(node, 'group', 1)
  const fits = weights.length === shape.length && shape.length > 2
  if (!fits || channels !== groupChannels * group || outputs % group !== 0) {
    throw new RangeError(`[${shape}] and weights [${weights}] in ${group} groups do not fit`)
  }
  return [{ elementType, shape: [batch, outputs, ...convWindow(node, shape, weights).outputSizes] }]
}

export function convWindow(
  node: NodeProto,
  shape: readonly number[],
  weights: readonly number[],
): Window {
  return readWindow(node, { sizes: shape.slice(2), kernel: weights.slice(2) })
}

const convTranspose: TypeRule = ({ node, input }) => {
  const { elementType, shape } = input(0)
  const weights = input(1).shape
  const [batch = 0, channels = 0] = shape
  const [inputs, groupOutputs = 0] = weights
  const group = intAttribute(node, 'group', 1)
  if (weights.length !== shape.length || shape.length < 3 || channels !== inputs) {
    throw new RangeError(`[${shape}] and weights [${weights}] do not fit`)
  }
  const { sizes } = convTransposeWindow(node, shape, weights)
  return [{ elementType, shape: [batch, groupOutputs * group, ...sizes] }]
}

/** The window of the convolution that goes the other way: `outputSizes` are those of its input. */
export function convTransposeWindow(
  node: NodeProto,
  shape: readonly number[],
  weights: readonly number[],
): Window {
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET')
  if (findAttribute(node, 'output_shape') || autoPad.startsWith('SAME')) {
    throw new RangeError('output_shape and auto_pad SAME are not known here: state the pads')
  }
  const outputSizes = shape.slice(2)
  const kernel = weights.slice(2)
  const { strides, dilations, pads } = windowAttributes(node, kernel.length)
  const outputPadding = intsAttribute(node, 'output_padding') ?? kernel.map(() => 0)
  // Beyond that ORT 1.27 reads past the end of its columns: the values there are chance.
  if (outputPadding.some((count, axis) => count >= (strides[axis] ?? 1) && count > 0)) {
    throw new RangeError(`output_padding [${outputPadding}] is not below strides [${strides}]`)
  }
  const padsBegin = autoPad === 'VALID' ? kernel.map(() => 0) : pads.slice(0, kernel.length)
  const padsEnd = autoPad === 'VALID' ? kernel.map(() => 0) : pads.slice(kernel.length)
  const sizes = outputSizes.map((size, axis) => {
    const spanned =
      (strides[axis] ?? 1) * (size - 1) + reach(kernel[axis] ?? 1, dilations[axis] ?? 1)
    return spanned + (outputPadding[axis] ?? 0) - (padsBegin[axis] ?? 0) - (padsEnd[axis] ?? 0)
  })
  return { kernel, strides, dilations, padsBegin, padsEnd, sizes, outputSizes }
}

export const convolutionTypes = {
  Conv: conv,
  ConvTranspose: convTranspose,
} satisfies Record<string, TypeRule>
