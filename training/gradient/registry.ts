import { activationGradients } from './activation.ts'
import { convolutionGradients } from './convolution.ts'
import { dropoutGradients } from './dropout.ts'
import { einsumGradients } from './einsum.ts'
import { elementwiseGradients } from './elementwise.ts'
import type { GradientRule } from './gradient-rule.ts'
import { indexingGradients } from './indexing.ts'
import { linearGradients } from './linear.ts'
import { normalizationGradients } from './normalization.ts'
import { poolingGradients } from './pooling.ts'
import { recurrentGradients } from './recurrent.ts'
import { reductionGradients } from './reduction.ts'
import { resizeGradients } from './resize.ts'
import { scatterGradients } from './scatter.ts'
import { selectionGradients } from './selection.ts'
import { shapeGradients } from './shape.ts'
import { slicingGradients } from './slicing.ts'
import { trigonometryGradients } from './trigonometry.ts'

const noGradient: GradientRule = ({ inputs }) => inputs.map(() => null)

const differentiable: Readonly<Record<string, GradientRule>> = {
  ...activationGradients,
  ...convolutionGradients,
  ...dropoutGradients,
  ...einsumGradients,
  ...elementwiseGradients,
  ...indexingGradients,
  ...linearGradients,
  ...normalizationGradients,
  ...poolingGradients,
  ...recurrentGradients,
  ...reductionGradients,
  ...resizeGradients,
  ...scatterGradients,
  ...selectionGradients,
  ...shapeGradients,
  ...slicingGradients,
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
export const opsWithoutGradient: readonly string[] = Object.keys(withoutGradient)

export function findGradientRule(domain: string, opType: string): GradientRule | undefined {
  if (domain !== '') return undefined
  if (Object.hasOwn(differentiable, opType)) return differentiable[opType]
  return Object.hasOwn(withoutGradient, opType) ? withoutGradient[opType] : undefined
}
