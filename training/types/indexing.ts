import { intAttribute } from '../onnx/attribute.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { fromFront, type TypeRule } from './type-rule.ts'

const gather: TypeRule = ({ node, input }) => {
  const { elementType, shape } = input(0)
  const axis = fromFront(intAttribute(node, 'axis', 0), shape.length)
  return [
    {
      elementType,
      shape: [...shape.slice(0, axis), ...input(1).shape, ...shape.slice(axis + 1)],
    },
  ]
}

const gatherElements: TypeRule = ({ input }) => [
  { elementType: input(0).elementType, shape: input(1).shape },
]

const gatherNd: TypeRule = ({ node, input }) => {
  const { elementType, shape } = input(0)
  const indices = input(1).shape
  const batchRank = intAttribute(node, 'batch_dims', 0)
  const inner = shape.slice(batchRank + (indices.at(-1) ?? 0))
  return [{ elementType, shape: [...indices.slice(0, -1), ...inner] }]
}

const oneHot: TypeRule = ({ node, input, constantInts }) => {
  const [depth] = constantInts(1) ?? []
  if (depth === undefined) throw new RangeError('the depth is not a constant')
  const { shape } = input(0)
  const axis = fromFront(intAttribute(node, 'axis', -1), shape.length + 1)
  return [{ elementType: input(2).elementType, shape: shape.toSpliced(axis, 0, depth) }]
}

const same: TypeRule = ({ input }) => [input(0)]

const topK: TypeRule = ({ node, input, constantInts }) => {
  const [count] = constantInts(1) ?? []
  if (count === undefined) throw new RangeError('k is not a constant')
  const { elementType, shape } = input(0)
  const chosen = shape.with(fromFront(intAttribute(node, 'axis', -1), shape.length), count)
  return [
    { elementType, shape: chosen },
    { elementType: ELEMENT.int64, shape: chosen },
  ]
}

export const indexingTypes = {
  CumSum: same,
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  OneHot: oneHot,
  ScatterElements: same,
  ScatterND: same,
  TopK: topK,
  Trilu: same,
} satisfies Record<string, TypeRule>
