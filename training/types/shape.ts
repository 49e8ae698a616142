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

const tile: TypeRule = ({ input, constantInts }) => {
  const { elementType, shape } = input(0)
  const repeats = constantInts(1)
  if (!repeats) throw new RangeError('the repeats are not a constant')
  return [{ elementType, shape: shape.map((size, axis) => size * (repeats[axis] ?? 1)) }]
}

const depthToSpace: TypeRule = ({ node, input }) => {
  const { elementType, shape } = input(0)
  const [batch = 0, channels = 0, height = 0, width = 0] = shape
  const block = intAttribute(node, 'blocksize', 1)
  const sizes = [batch, channels / block ** 2, height * block, width * block]
  if (!sizes.every(Number.isInteger)) throw new RangeError(`${channels} channels do not split`)
  return [{ elementType, shape: sizes }]
}

const spaceToDepth: TypeRule = ({ node, input }) => {
  const { elementType, shape } = input(0)
  const [batch = 0, channels = 0, height = 0, width = 0] = shape
  const block = intAttribute(node, 'blocksize', 1)
  const sizes = [batch, channels * block ** 2, height / block, width / block]
  if (!sizes.every(Number.isInteger)) throw new RangeError(`[${shape}] does not split`)
  return [{ elementType, shape: sizes }]
}

const shapeOf: TypeRule = ({ node, input }) => {
  const { length } = input(0).shape
  const place = (index: number) => Math.min(length, Math.max(0, index < 0 ? index + length : index))
  const start = place(intAttribute(node, 'start', 0))
  const end = place(intAttribute(node, 'end', length))
  return [{ elementType: ELEMENT.int64, shape: [Math.max(0, end - start)] }]
}

const size: TypeRule = () => [{ elementType: ELEMENT.int64, shape: [] }]

const range: TypeRule = ({ input, constantInts }) => {
  const [[start], [limit], [delta]] = [
    constantInts(0) ?? [],
    constantInts(1) ?? [],
    constantInts(2) ?? [],
  ]
  if (start === undefined || limit === undefined || !delta) {
    throw new RangeError('start, limit and delta are not constant integers')
  }
  const count = Math.max(0, Math.ceil((limit - start) / delta))
  return [{ elementType: input(0).elementType, shape: [count] }]
}

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
  DepthToSpace: depthToSpace,
  Expand: expand,
  Flatten: flatten,
  Range: range,
  Reshape: reshape,
  Shape: shapeOf,
  Size: size,
  SpaceToDepth: spaceToDepth,
  Squeeze: squeeze,
  Tile: tile,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
} satisfies Record<string, TypeRule>
