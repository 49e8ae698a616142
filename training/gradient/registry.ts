import { activationGradients } from './activation.ts'
import { elementwiseGradients } from './elementwise.ts'
import type { GradientRule } from './gradient-rule.ts'
import { indexingGradients } from './indexing.ts'
import { linearGradients } from './linear.ts'
import { reductionGradients } from './reduction.ts'
import { shapeGradients } from './shape.ts'

const noGradient: GradientRule = ({ inputs }) => inputs.map(() => null)

const differentiable: Readonly<Record<string, GradientRule>> = {
  ...activationGradients,
  ...elementwiseGradients,
  ...indexingGradients,
  ...linearGradients,
  ...reductionGradients,
  ...shapeGradients,
}

/** Named, so that the absence of a gradient is a decision and never an omission. */
const withoutGradient: Readonly<Record<string, GradientRule>> = {
  And: noGradient,
  ArgMax: noGradient,
  ArgMin: noGradient,
  Ceil: noGradient,
  ConstantOfShape: noGradient,
  Equal: noGradient,
  Floor: noGradient,
  Greater: noGradient,
  GreaterOrEqual: noGradient,
  Less: noGradient,
  LessOrEqual: noGradient,
  Not: noGradient,
  Or: noGradient,
  Round: noGradient,
  Shape: noGradient,
  Sign: noGradient,
}

export const differentiableOps: readonly string[] = Object.keys(differentiable)

export function findGradientRule(domain: string, opType: string): GradientRule | undefined {
  if (domain !== '') return undefined
  if (Object.hasOwn(differentiable, opType)) return differentiable[opType]
  return Object.hasOwn(withoutGradient, opType) ? withoutGradient[opType] : undefined
}
