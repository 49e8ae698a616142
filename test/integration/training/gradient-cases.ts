import { activationCases } from './cases/activation-cases.ts'
import { elementwiseCases, selectionCases, trigonometryCases } from './cases/elementwise-cases.ts'
import { indexingCases } from './cases/indexing-cases.ts'
import { linearCases } from './cases/linear-cases.ts'
import { reductionCases } from './cases/reduction-cases.ts'
import { resizeCases } from './cases/resize-cases.ts'
import { shapeCases } from './cases/shape-cases.ts'
import type { GradientCase } from './gradient-check.ts'

/** Every differentiable operator with the shapes and attributes that its rule tells apart. */
export const gradientCases: Readonly<Record<string, readonly GradientCase[]>> = {
  ...activationCases,
  ...elementwiseCases,
  ...indexingCases,
  ...linearCases,
  ...reductionCases,
  ...resizeCases,
  ...selectionCases,
  ...shapeCases,
  ...trigonometryCases,
}
