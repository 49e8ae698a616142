import { onTestFinished } from 'vitest'
import { TrainerLimits } from '../../agent/limits/trainer-limits.ts'
import { testLog } from './test-log.ts'

/** Limits of a trainer on a machine without control groups, unless it is told otherwise. */
export function openLimits(
  o: { readonly memoryBytesMax?: number; readonly sysRoot?: string } = {},
): TrainerLimits {
  const { memoryBytesMax = 1024 * 2 ** 20, sysRoot = '/no-such-folder' } = o
  const roots = { procRoot: '/proc', sysRoot }
  const limits = new TrainerLimits({ roots, niceness: 0, memoryBytesMax, log: testLog().log })
  onTestFinished(() => limits.stop())
  return limits
}
