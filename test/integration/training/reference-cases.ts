import {
  convCases,
  convReference,
  convTransposeCases,
  convTransposeReference,
} from './convolution-cases.ts'
import {
  averagePoolCases,
  averagePoolReference,
  globalPoolCases,
  globalPoolReference,
  largest,
  maxPoolCases,
  maxPoolReference,
  mean,
} from './pooling-cases.ts'
import type { ReferenceCase, ReferenceOperator } from './reference-check.ts'

/** Operators that are checked in float32 against a float64 reference, with their cases. */
export const referenceCases: Readonly<
  Record<
    string,
    { readonly reference: ReferenceOperator; readonly cases: readonly ReferenceCase[] }
  >
> = {
  AveragePool: { reference: averagePoolReference, cases: averagePoolCases },
  Conv: { reference: convReference, cases: convCases },
  ConvTranspose: { reference: convTransposeReference, cases: convTransposeCases },
  GlobalAveragePool: { reference: globalPoolReference(mean), cases: globalPoolCases },
  GlobalMaxPool: { reference: globalPoolReference(largest), cases: globalPoolCases },
  MaxPool: { reference: maxPoolReference, cases: maxPoolCases },
}
