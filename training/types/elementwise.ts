import { intAttribute } from '../onnx/attribute.ts'
import { ELEMENT, isElementType } from '../onnx/element-type.ts'
import { broadcastShapes, type TypeRule } from './type-rule.ts'

/** One output like the first input. */
const same: TypeRule = ({ input }) => [input(0)]

/** All inputs broadcast to one shape; elements as those of the first. */
const broadcast: TypeRule = ({ inputs, input }) => [
  {
    elementType: input(0).elementType,
    shape: inputs.reduce<readonly number[]>(
      (shape, type) => broadcastShapes(shape, type?.shape ?? []),
      [],
    ),
  },
]

const comparison: TypeRule = context =>
  broadcast(context).map(({ shape }) => ({ elementType: ELEMENT.bool, shape }))

const cast: TypeRule = ({ node, input }) => {
  const elementType = intAttribute(node, 'to', 0)
  if (!isElementType(elementType)) throw new RangeError(`casts to element type ${elementType}`)
  return [{ elementType, shape: input(0).shape }]
}

export const elementwiseTypes = {
  Abs: same,
  Add: broadcast,
  And: comparison,
  Cast: cast,
  Ceil: same,
  Div: broadcast,
  Equal: comparison,
  Exp: same,
  Floor: same,
  Greater: comparison,
  GreaterOrEqual: comparison,
  Identity: same,
  Less: comparison,
  LessOrEqual: comparison,
  Log: same,
  LogSoftmax: same,
  Max: broadcast,
  Min: broadcast,
  Mul: broadcast,
  Neg: same,
  Not: same,
  Or: comparison,
  Reciprocal: same,
  Relu: same,
  Round: same,
  Sigmoid: same,
  Sign: same,
  Softmax: same,
  Sqrt: same,
  Sub: broadcast,
  Tanh: same,
} satisfies Record<string, TypeRule>
