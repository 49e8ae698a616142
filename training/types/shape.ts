import { findAttribute, intAttribute, intsAttribute } from '../onnx/attribute.ts'
import { ELEMENT, isElementType } from '../onnx/element-type.ts'
import { elementCount } from '../onnx/tensor.ts'
import { broadcastShapes, fromFront, type TypeRule } from './type-rule.ts'

const reshape: TypeRule = ({ node, input, constantInts }) => {
  const { elementType, shape } = input(0)
  const target = constantInts(1)
  if (!target) throw new RangeError('the target shape is not a constant')
  const keepsZero = intAttribute(node, 'allowzero', 0) === 0
  const sizes = target.map((size, index) => (size === 0 && keepsZero ? (shape[index] ?? 0) : size))
  const known = elementCount(sizes.filter(size => size !== -1))
  const filled = sizes.map(size => (size === -1 ? elementCount(shape) / known : size))
  if (elementCount(filled) !== elementCount(shape) || !filled.every(Number.isInteger)) {
    throw new RangeError(`[${shape}] does not reshape to [${target}]`)
  }
  return [{ elementType, shape: filled }]
}

const flatten: TypeRule = ({ node, input }) => {
  const { elementType, shape } = input(0)
  const given = intAttribute(node, 'axis', 1)
  const axis = given < 0 ? given + shape.length : given
  const sizes = [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis))]
  return [{ elementType, shape: sizes }]
}

const squeeze: TypeRule = ({ input, constantInts }) => {
  const { elementType, shape } = input(0)
  const axes = constantInts(1)?.map(axis => fromFront(axis, shape.length))
  return [
    {
      elementType,
      shape: shape.filter((size, index) => (axes ? !axes.includes(index) : size !== 1)),
    },
  ]
}

const unsqueeze: TypeRule = ({ input, constantInts }) => {
  const { elementType, shape } = input(0)
  const given = constantInts(1)
  if (!given) throw new RangeError('the axes are not a constant')
  const rank = shape.length + given.length
  const axes = given.map(axis => fromFront(axis, rank))
  const sizes = [...shape]
  for (const axis of axes.toSorted((a, b) => a - b)) sizes.splice(axis, 0, 1)
  return [{ elementType, shape: sizes }]
}

const transpose: TypeRule = ({ node, input }) => {
  const { elementType, shape } = input(0)
  const order = intsAttribute(node, 'perm') ?? shape.map((_, index) => index).reverse()
  return [{ elementType, shape: order.map(axis => shape[axis] ?? 0) }]
}

const concat: TypeRule = ({ node, inputs, input }) => {
  const { elementType, shape } = input(0)
  const axis = fromFront(intAttribute(node, 'axis', 0), shape.length)
  const size = inputs.reduce((sum, type) => sum + (type?.shape[axis] ?? 0), 0)
  return [{ elementType, shape: shape.with(axis, size) }]
}

const expand: TypeRule = ({ input, constantInts }) => {
  const target = constantInts(1)
  if (!target) throw new RangeError('the target shape is not a constant')
  return [{ ...input(0), shape: broadcastShapes(input(0).shape, target) }]
}

const pad: TypeRule = ({ input, constantInts }) => {
  const { elementType, shape } = input(0)
  const pads = constantInts(1)
  if (!pads) throw new RangeError('the pads are not a constant')
  const axes = constantInts(3)?.map(axis => fromFront(axis, shape.length)) ?? shape.keys()
  const sizes = [...shape]
  for (const [index, axis] of [...axes].entries()) {
    sizes[axis] = (shape[axis] ?? 0) + (pads[index] ?? 0) + (pads[index + pads.length / 2] ?? 0)
  }
  return [{ elementType, shape: sizes }]
}

const shapeOf: TypeRule = ({ input }) => [
  { elementType: ELEMENT.int64, shape: [input(0).shape.length] },
]

const constantOfShape: TypeRule = ({ node, constantInts }) => {
  const shape = constantInts(0)
  if (!shape) throw new RangeError('the target shape is not a constant')
  const elementType = findAttribute(node, 'value')?.t?.dataType ?? ELEMENT.float
  if (!isElementType(elementType)) throw new RangeError(`has element type ${elementType}`)
  return [{ elementType, shape }]
}

export const shapeTypes = {
  Concat: concat,
  ConstantOfShape: constantOfShape,
  Expand: expand,
  Flatten: flatten,
  Pad: pad,
  Reshape: reshape,
  Shape: shapeOf,
  Squeeze: squeeze,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
} satisfies Record<string, TypeRule>
