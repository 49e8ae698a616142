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

/** The first input only chooses. */
const where: TypeRule = context =>
  broadcast(context).map(({ shape }) => ({ elementType: context.input(1).elementType, shape }))

const cast: TypeRule = ({ node, input }) => {
  const elementType = intAttribute(node, 'to', 0)
  if (!isElementType(elementType)) throw new RangeError(`casts to element type ${elementType}`)
  return [{ elementType, shape: input(0).shape }]
}

const castLike: TypeRule = ({ input }) => [
  { elementType: input(1).elementType, shape: input(0).shape },
]

/** The mask of what is kept is there where it is asked for. */
const dropout: TypeRule = ({ node, input }) => [
  input(0),
  ...(node.output[1] ? [{ elementType: ELEMENT.bool, shape: input(0).shape }] : []),
]

export const elementwiseTypes = {
  Abs: same,
  Acos: same,
  Acosh: same,
  Add: broadcast,
  And: comparison,
  Asin: same,
  Asinh: same,
  Atan: same,
  Atanh: same,
  BitShift: broadcast,
  BitwiseXor: broadcast,
  Cast: cast,
  CastLike: castLike,
  Ceil: same,
  Celu: same,
  Clip: same,
  Cos: same,
  Cosh: same,
  Div: broadcast,
  Dropout: dropout,
  Elu: same,
  Equal: comparison,
  Erf: same,
  Exp: same,
  Floor: same,
  Gelu: same,
  Greater: comparison,
  GreaterOrEqual: comparison,
  HardSigmoid: same,
  HardSwish: same,
  Hardmax: same,
  Identity: same,
  IsInf: comparison,
  IsNaN: comparison,
  LeakyRelu: same,
  Less: comparison,
  LessOrEqual: comparison,
  Log: same,
  LogSoftmax: same,
  Max: broadcast,
  Mean: broadcast,
  Min: broadcast,
  Mish: same,
  Mod: broadcast,
  Mul: broadcast,
  Neg: same,
  Not: same,
  Or: comparison,
  PRelu: same,
  Pow: broadcast,
  Reciprocal: same,
  Relu: same,
  Round: same,
  Selu: same,
  Sigmoid: same,
  Sign: same,
  Sin: same,
  Sinh: same,
  Softmax: same,
  Softplus: same,
  Softsign: same,
  Sqrt: same,
  Sub: broadcast,
  Sum: broadcast,
  Tan: same,
  Tanh: same,
  ThresholdedRelu: same,
  Where: where,
  Xor: comparison,
} satisfies Record<string, TypeRule>
