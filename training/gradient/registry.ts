import { activationGradients } from './activation.ts'
import { convolutionGradients } from './convolution.ts'
import { elementwiseGradients } from './elementwise.ts'
import type { GradientRule } from './gradient-rule.ts'
import { indexingGradients } from './indexing.ts'
import { linearGradients } from './linear.ts'
import { poolingGradients } from './pooling.ts'
import { reductionGradients } from './reduction.ts'
import { selectionGradients } from './selection.ts'
import { shapeGradients } from './shape.ts'
import { trigonometryGradients } from './trigonometry.ts'

const noGradient: GradientRule = ({ inputs }) => inputs.map(() => null)

const differentiable: Readonly<Record<string, GradientRule>> = {
  ...activationGradients,
  ...convolutionGradients,
  ...elementwiseGradients,
  ...indexingGradients,
  ...linearGradients,
  ...poolingGradients,
  ...reductionGradients,
  ...selectionGradients,
  ...shapeGradients,
  ...trigonometryGradients,
}

/** Named, so that the absence of a gradient is a decision and never an omission. */
const withoutGradient: Readonly<Record<string, GradientRule>> = {
  And: noGradient,
  ArgMax: noGradient,
  ArgMin: noGradient,
  BitShift: noGradient,
  BitwiseAnd: noGradient,
  BitwiseNot: noGradient,
  BitwiseOr: noGradient,
  BitwiseXor: noGradient,
  Ceil: noGradient,
  Constant: noGradient,
  ConstantOfShape: noGradient,
  Equal: noGradient,
  EyeLike: noGradient,
  Floor: noGradient,
  Greater: noGradient,
  GreaterOrEqual: noGradient,
  Hardmax: noGradient,
  IsInf: noGradient,
  IsNaN: noGradient,
  Less: noGradient,
  LessOrEqual: noGradient,
  NonZero: noGradient,
  Not: noGradient,
  OneHot: noGradient,
  Or: noGradient,
  RandomNormal: noGradient,
  RandomNormalLike: noGradient,
  RandomUniform: noGradient,
  RandomUniformLike: noGradient,
  Range: noGradient,
  Round: noGradient,
  Shape: noGradient,
  Sign: noGradient,
  Size: noGradient,
  Xor: noGradient,
}

export const differentiableOps: readonly string[] = Object.keys(differentiable)

export function findGradientRule(domain: string, opType: string): GradientRule | undefined {
  if (domain !== '') return undefined
  if (Object.hasOwn(differentiable, opType)) return differentiable[opType]
  return Object.hasOwn(withoutGradient, opType) ? withoutGradient[opType] : undefined
}
