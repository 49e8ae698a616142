import type { WorkCounts } from '../../cost/work-counts.ts'

/** Something to compute again and again. */
export interface OpenKernel {
  /** Of one run of so many turns. */
  readonly work: (turns: number) => WorkCounts
  run(turns: number): Promise<void>
  release(): Promise<void>
}
