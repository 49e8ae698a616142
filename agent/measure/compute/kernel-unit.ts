import type { WorkCounts } from '../../../training/cost/work-counts.ts'
import type { KernelName } from '../../../training/trainer/kernels/registry.ts'

export type KernelUnit = 'FLOP/s' | 'B/s' | 'operators/s'

/** What a kernel is there to show: products, traffic or starts. */
export function kernelUnit(kernel: KernelName): KernelUnit {
  switch (kernel) {
    case 'operators':
    case 'rearrangements':
      return 'operators/s'
    case 'memory':
    case 'elementwise':
    case 'adam':
    case 'adam-large':
    case 'layout':
    case 'states':
      return 'B/s'
    default:
      return 'FLOP/s'
  }
}

/** How much of that some work is. */
export function amountOf(kernel: KernelName, work: WorkCounts): number {
  if (kernel === 'states') return work.stateBytes
  switch (kernelUnit(kernel)) {
    case 'FLOP/s':
      return work.flops
    case 'operators/s':
      return work.operators
    case 'B/s':
      return work.sweptBytes + work.largeBytes + work.movedBytes
  }
}
