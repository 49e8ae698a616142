import { intAttribute, intsAttribute } from '../onnx/attribute.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { fromFront, type TypeContext, type TypeRule } from './type-rule.ts'

/**
 * The axes that a reduction sums over: an attribute in older operator sets, an input in newer ones
 * (ReduceSum from 13, the others from 18). Without axes all are meant, unless the node says none.
 */
export function reducedAxes({
  node,
  input,
  constantInts,
}: Pick<TypeContext, 'node' | 'input' | 'constantInts'>): readonly number[] {
  const { shape } = input(0)
  const given = intsAttribute(node, 'axes') ?? constantInts(1) ?? []
  if (given.length > 0) return given.map(axis => fromFront(axis, shape.length))
  return intAttribute(node, 'noop_with_empty_axes', 0) ? [] : shape.map((_, index) => index)
}

const reduction: TypeRule = context => {
  const { elementType, shape } = context.input(0)
  const axes = reducedAxes(context)
  const kept = intAttribute(context.node, 'keepdims', 1) !== 0
  const ones = shape.map((size, index) => (axes.includes(index) ? 1 : size))
  return [{ elementType, shape: kept ? ones : ones.filter((_, index) => !axes.includes(index)) }]
}

const argument: TypeRule = ({ node, input }) => {
  const { shape } = input(0)
  const axis = fromFront(intAttribute(node, 'axis', 0), shape.length)
  const kept = intAttribute(node, 'keepdims', 1) !== 0
  return [
    { elementType: ELEMENT.int64, shape: kept ? shape.with(axis, 1) : shape.toSpliced(axis, 1) },
  ]
}

export const reductionTypes = {
  ArgMax: argument,
  ArgMin: argument,
  ReduceL1: reduction,
  ReduceL2: reduction,
  ReduceLogSum: reduction,
  ReduceLogSumExp: reduction,
  ReduceMax: reduction,
  ReduceMean: reduction,
  ReduceMin: reduction,
  ReduceProd: reduction,
  ReduceSum: reduction,
  ReduceSumSquare: reduction,
} satisfies Record<string, TypeRule>
