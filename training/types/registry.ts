import { convolutionTypes } from './convolution.ts'
import { einsumTypes } from './einsum.ts'
import { elementwiseTypes } from './elementwise.ts'
import { indexingTypes } from './indexing.ts'
import { linearTypes } from './linear.ts'
import { normalizationTypes } from './normalization.ts'
import { poolingTypes } from './pooling.ts'
import { recurrentTypes } from './recurrent.ts'
import { reductionTypes } from './reduction.ts'
import { resizeTypes } from './resize.ts'
import { shapeTypes } from './shape.ts'
import { slicingTypes } from './slicing.ts'
import type { TypeRule } from './type-rule.ts'

/** How each operator's outputs look. Operators of the forward graph and of what we emit. */
const typeRules: Readonly<Record<string, TypeRule>> = {
  ...convolutionTypes,
  ...einsumTypes,
  ...elementwiseTypes,
  ...indexingTypes,
  ...linearTypes,
  ...normalizationTypes,
  ...poolingTypes,
  ...recurrentTypes,
  ...reductionTypes,
  ...resizeTypes,
  ...shapeTypes,
  ...slicingTypes,
}

export function findTypeRule(opType: string): TypeRule | undefined {
  return Object.hasOwn(typeRules, opType) ? typeRules[opType] : undefined
}
