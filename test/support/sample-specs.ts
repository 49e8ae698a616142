import type { SampleSpec } from '../../protocol/sample-spec.ts'

/** Of a model that tells the next byte from so many before it. */
export function nextByteOf(contextBytes: number): SampleSpec {
  return {
    form: { element: 'uint8', shape: [] },
    windowRows: contextBytes + 1,
    strideRows: 1,
    inputRows: contextBytes,
    inputElement: 'int32',
    rowsLast: false,
    labels: { kind: 'rows', rows: 1, element: 'int32' },
  }
}
