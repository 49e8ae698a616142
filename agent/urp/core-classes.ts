import type { CoreClass } from '../../protocol/urp.ts'
import { SHOWN_KERNELS } from '../measure/compute/compute-figures.ts'
import type { ComputeValues } from '../measure/compute/compute-values.ts'

/** What the URP says of the kernels of each kind of core. Those that only calibrate are left out. */
export function coreClassesOf({ classes }: ComputeValues): CoreClass[] {
  return classes.map(({ units, kernels = [], costModel }) => ({
    units: [...units],
    kernels: kernels
      .filter(({ kernel }) => SHOWN_KERNELS.has(kernel))
      .map(({ kernel, unit, p10, p50, p90, n, discarded }) => ({
        ...{ kernel, unit, p10, p50, p90, n },
        discarded: discarded.reduce((sum, { count }) => sum + count, 0),
      })),
    ...(costModel ? { secondsPer: costModel.costs } : {}),
  }))
}
