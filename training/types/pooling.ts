import { intsAttribute } from '../onnx/attribute.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import type { NodeProto } from '../onnx/onnx-proto.ts'
import type { TypeRule } from './type-rule.ts'
import { readWindow, type Window } from './window.ts'

const pool: TypeRule = ({ node, input }) => {
  const { elementType, shape } = input(0)
  const pooled = [...shape.slice(0, 2), ...poolWindow(node, shape).outputSizes]
  // The second is MaxPool's: where in the input each maximum was.
  return [
    { elementType, shape: pooled },
    { elementType: ELEMENT.int64, shape: pooled },
  ]
}

export function poolWindow(node: NodeProto, shape: readonly number[]): Window {
  const kernel = intsAttribute(node, 'kernel_shape')
  if (kernel?.length !== shape.length - 2) {
    throw new RangeError(`a kernel of [${kernel}] does not fit [${shape}]`)
  }
  return readWindow(node, { sizes: shape.slice(2), kernel })
}

const globalPool: TypeRule = ({ input }) => {
  const { elementType, shape } = input(0)
  return [{ elementType, shape: shape.map((size, axis) => (axis < 2 ? size : 1)) }]
}

const maxUnpool: TypeRule = ({ input, constantInts }) => {
  const shape = constantInts(2)
  if (!shape) throw new RangeError('the output shape is not a constant')
  return [{ elementType: input(0).elementType, shape }]
}

export const poolingTypes = {
  AveragePool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  MaxPool: pool,
  MaxUnpool: maxUnpool,
} satisfies Record<string, TypeRule>
