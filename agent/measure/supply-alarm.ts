import { join } from 'node:path'
import { findHwmon } from './hwmon.ts'
import { readKernelText } from './kernel-file.ts'

/**
 * Whether the supply of a Raspberry Pi is too low: rpi_volt/in0_lcrit_alarm, 0 or 1 (kernel,
 * drivers/hwmon/raspberrypi-hwmon.c). Kernels without the throttled word have it too.
 */
export async function readSupplyAlarm(
  sysRoot: string,
  discarded: string[] = [],
): Promise<boolean | undefined> {
  for (const folder of await findHwmon(sysRoot, 'rpi_volt')) {
    const path = `${folder}/in0_lcrit_alarm`
    const text = await readKernelText(join(sysRoot, path))
    if (text === '0' || text === '1') return text === '1'
    if (text !== undefined) discarded.push(`${path}: '${text.slice(0, 24)}' is not believed`)
  }
  return undefined
}
