import { join } from 'node:path'
import { readKernelNames, readKernelText } from './kernel-file.ts'

/** Folders below sysRoot of the hardware monitors of this name (kernel, hwmon/sysfs-interface). */
export async function findHwmon(sysRoot: string, name: string): Promise<string[]> {
  const folder = 'class/hwmon'
  const monitors = await readKernelNames(join(sysRoot, folder))
  const names = await Promise.all(
    monitors.map(monitor => readKernelText(join(sysRoot, folder, monitor, 'name'))),
  )
  return monitors.filter((_, index) => names[index] === name).map(each => `${folder}/${each}`)
}
