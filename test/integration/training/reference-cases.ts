import {
  convCases,
  convReference,
  convTransposeCases,
  convTransposeReference,
} from './cases/convolution-cases.ts'
import {
  batchNormalizationCases,
  batchNormalizationReference,
  groupNormalizationCases,
  groupNormalizationReference,
  instanceNormalizationCases,
  instanceNormalizationReference,
  layerNormalizationCases,
  layerNormalizationReference,
  lpNormalizationCases,
  lpNormalizationReference,
} from './cases/normalization-cases.ts'
import {
  averagePoolCases,
  averagePoolReference,
  globalPoolCases,
  globalPoolReference,
  largest,
  maxPoolCases,
  maxPoolReference,
  mean,
} from './cases/pooling-cases.ts'
import { gruCases, gruReference, lstmCases, lstmReference } from './cases/recurrent-cases.ts'
import type { ReferenceCase, ReferenceOperator } from './reference-check.ts'

/** Operators that are checked in float32 against a float64 reference, with their cases. */
export const referenceCases: Readonly<
  Record<
    string,
    { readonly reference: ReferenceOperator; readonly cases: readonly ReferenceCase[] }
  >
> = {
  AveragePool: { reference: averagePoolReference, cases: averagePoolCases },
  BatchNormalization: { reference: batchNormalizationReference, cases: batchNormalizationCases },
  Conv: { reference: convReference, cases: convCases },
  ConvTranspose: { reference: convTransposeReference, cases: convTransposeCases },
  GlobalAveragePool: { reference: globalPoolReference(mean), cases: globalPoolCases },
  GlobalMaxPool: { reference: globalPoolReference(largest), cases: globalPoolCases },
  GRU: { reference: gruReference, cases: gruCases },
  GroupNormalization: { reference: groupNormalizationReference, cases: groupNormalizationCases },
  InstanceNormalization: {
    reference: instanceNormalizationReference,
    cases: instanceNormalizationCases,
  },
  LayerNormalization: { reference: layerNormalizationReference, cases: layerNormalizationCases },
  LSTM: { reference: lstmReference, cases: lstmCases },
  LpNormalization: { reference: lpNormalizationReference, cases: lpNormalizationCases },
  MaxPool: { reference: maxPoolReference, cases: maxPoolCases },
}
