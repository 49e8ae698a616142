import { join } from 'node:path'
import { readKernelText } from './kernel-file.ts'
import type { BoardRoots } from './probe.ts'

/** Boards name themselves in the device tree, PCs in the DMI table. */
export async function readBoardModel({
  procRoot,
  sysRoot,
}: BoardRoots): Promise<string | undefined> {
  const deviceTree =
    (await readKernelText(join(procRoot, 'device-tree/model'))) ||
    (await readKernelText(join(sysRoot, 'firmware/devicetree/base/model')))
  if (deviceTree) return deviceTree
  const dmi = join(sysRoot, 'class/dmi/id')
  const vendor = await readKernelText(join(dmi, 'sys_vendor'))
  const product = await readKernelText(join(dmi, 'product_name'))
  return [vendor, product].filter(isTold).join(' ') || undefined
}

/** What makers of boards leave in the table where they have nothing to say. */
const UNTOLD = /^(?:|-|to be filled by o\.?e\.?m\.?|default string|system manufacturer|none)$/i

function isTold(text: string | undefined): text is string {
  return text !== undefined && !UNTOLD.test(text)
}
