import type { Ort } from '../ort-session.ts'
import { openGraphKernel } from './graph-kernel.ts'
import { memoryKernels, triad } from './memory-kernels.ts'
import type { OpenKernel } from './open-kernel.ts'
import { productKernels } from './product-kernels.ts'
import { stepKernels } from './step-kernels.ts'
import { openTrainingKernel } from './training-kernel.ts'

const graphKernels = { ...productKernels, ...memoryKernels }

/** Kernels that training really uses, and training itself. */
export type KernelName = keyof typeof graphKernels | keyof typeof stepKernels | 'memory'

export interface KernelAsk {
  readonly kernel: KernelName
  /** Of the last cache, for the kernel that must not fit into it. */
  readonly cacheBytes?: number
}

/** Where the last cache is not known: as on most boards. */
const CACHE_BYTES = 4 * 2 ** 20

export function openKernel(
  ort: Ort,
  { kernel, cacheBytes = CACHE_BYTES }: KernelAsk,
): Promise<OpenKernel> {
  if (kernel === 'memory') return openGraphKernel(ort, triad(cacheBytes))
  if (isStep(kernel)) return openTrainingKernel(ort, stepKernels[kernel])
  return openGraphKernel(ort, graphKernels[kernel])
}

function isStep(kernel: KernelName): kernel is keyof typeof stepKernels {
  return Object.hasOwn(stepKernels, kernel)
}

/** All that a cost model is fitted to: everything but the bandwidth of the memory. */
export const CALIBRATION_KERNELS: readonly KernelName[] = [
  ...names(graphKernels),
  ...names(stepKernels),
]

function names<Name extends string>(kernels: Readonly<Record<Name, unknown>>): readonly Name[] {
  // Object literals have no other keys than their type's.
  return Object.keys(kernels) as Name[]
}

/**
 * Whole steps are what is to be predicted; single kernels say which part of a step is which. Chosen on
 * x64 by the error of models that are not among them.
 */
export function calibrationWeight(kernel: KernelName): number {
  return isStep(kernel) && kernel !== 'states' ? 6 : 1
}
