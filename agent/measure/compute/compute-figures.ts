import type { KernelName } from '../../../training/trainer/kernels/registry.ts'
import type { Explanation, Figure } from '../probe.ts'
import { writtenNumber, writtenShare, writtenSi } from '../written.ts'
import type { AllCores, ComputeValues, CoreClassRate } from './compute-values.ts'
import type { KernelFigure } from './measure-kernels.ts'

/** In the order in which they are shown; the others only calibrate. */
const SHOWN: readonly (readonly [KernelName, string])[] = [
  ['training-step', 'training'],
  ['gemm', 'matrix product'],
  ['convolution', 'convolution'],
  ['convolution-gradient', '  its gradients'],
  ['attention', 'attention both ways'],
  ['elementwise', 'elementwise'],
  ['memory', 'memory'],
]

export const SHOWN_KERNELS: ReadonlySet<KernelName> = new Set(SHOWN.map(([kernel]) => kernel))

export function computeFigures({ classes, allCores }: ComputeValues): readonly Figure[] {
  return [
    ...classes.flatMap(one => classFigures(one, { isOnly: classes.length === 1 })),
    ...(allCores ? coresFigures(allCores) : []),
  ]
}

function classFigures(
  { kernels = [], units, costModel }: CoreClassRate,
  { isOnly }: { readonly isOnly: boolean },
): readonly Figure[] {
  const of = isOnly ? 'a core' : units.join(', ')
  const figures = shown(kernels, of).flatMap(({ kernel, figure }) =>
    kernel.kernel === 'training-step'
      ? [figure, { name: '  fastest run', ...writtenSi(kernel.peak, kernel.unit) }]
      : [figure],
  )
  if (!costModel) return figures
  const start = { name: 'start of an operator', ...written(costModel.costs.operators * 1e6, 'µs') }
  return [
    ...figures,
    start,
    { name: 'cost model is off by', ...writtenShare(costModel.errorMedian) },
  ]
}

function written(value: number, unit: string) {
  return { value: writtenNumber(value), unit }
}

function coresFigures({ cores, kernels }: AllCores): readonly Figure[] {
  return shown(kernels, `${cores} cores`).map(({ figure }) => figure)
}

function shown(kernels: readonly KernelFigure[], of: string) {
  return SHOWN.flatMap(([name, words]) => {
    const kernel = kernels.find(one => one.kernel === name)
    return kernel ? [{ kernel, figure: figureOf(kernel, `${words}, ${of}`) }] : []
  })
}

function figureOf(kernel: KernelFigure, name: string): Figure {
  const { unit, p10, p50, p90 } = kernel
  return {
    name,
    ...writtenSi(p50, unit),
    spread: { p10, p90 },
    explanation: explanationOf([kernel]),
  }
}

/** What the figures are of, and what was left out of them. */
export function explanationOf(kernels: readonly KernelFigure[]): Explanation {
  const counts = new Map<string, number>()
  for (const { reason, count } of kernels.flatMap(({ discarded }) => discarded)) {
    counts.set(reason, (counts.get(reason) ?? 0) + count)
  }
  return {
    samples: kernels.reduce((sum, { n }) => sum + n, 0),
    sampleIs: 'run',
    discarded: [...counts].map(([reason, count]) => ({ reason, count })),
  }
}
