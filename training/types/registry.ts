import { convolutionTypes } from './convolution.ts'
import { elementwiseTypes } from './elementwise.ts'
import { indexingTypes } from './indexing.ts'
import { linearTypes } from './linear.ts'
import { poolingTypes } from './pooling.ts'
import { reductionTypes } from './reduction.ts'
import { shapeTypes } from './shape.ts'
import type { TypeRule } from './type-rule.ts'

/** How each operator's outputs look. Operators of the forward graph and of what we emit. */
const typeRules: Readonly<Record<string, TypeRule>> = {
  ...convolutionTypes,
  ...elementwiseTypes,
  ...indexingTypes,
  ...linearTypes,
  ...poolingTypes,
  ...reductionTypes,
  ...shapeTypes,
}

export function findTypeRule(opType: string): TypeRule | undefined {
  return Object.hasOwn(typeRules, opType) ? typeRules[opType] : undefined
}
