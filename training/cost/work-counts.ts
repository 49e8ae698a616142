/**
 * What a graph makes ONNX Runtime do, in the units in which its time is predicted: a cost model
 * (step-costs.ts) knows the seconds for one of each.
 */
export interface WorkCounts {
  /** Of matrix products and convolutions: both end in the same kernel (MLAS, SGEMM). */
  readonly flops: number
  /** What a convolution unrolls for the product and packs there (im2col). */
  readonly columnBytes: number
  /** Read and written from end to end, by products and element by element. */
  readonly sweptBytes: number
  /** The same and `movedBytes`, of operators whose operands no second-level cache holds. */
  readonly largeBytes: number
  /** Read and written in another order, or into less: transposed, cut, joined, summed, pooled. */
  readonly movedBytes: number
  /** Nodes that are started. */
  readonly operators: number
  /** Those of them that come after the first hundred of a step: nothing of them is in a near cache. */
  readonly farOperators: number
  /** Parameters and slots that go into a run and come out of it. */
  readonly stateBytes: number
}

export type WorkKind = keyof WorkCounts

export const NO_WORK: WorkCounts = {
  flops: 0,
  columnBytes: 0,
  sweptBytes: 0,
  largeBytes: 0,
  movedBytes: 0,
  operators: 0,
  farOperators: 0,
  stateBytes: 0,
}

/** In the order in which they stand in vectors. */
export const WORK_KINDS = Object.keys(NO_WORK) as readonly WorkKind[]

/** `a` and so many times `b`. */
export function addWork(a: WorkCounts, b: Partial<WorkCounts>, times = 1): WorkCounts {
  const sums = { ...a }
  for (const kind of WORK_KINDS) sums[kind] = a[kind] + times * (b[kind] ?? 0)
  return sums
}
