import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { LinkFigures } from '../../../protocol/urp.ts'
import { interfaceOf } from '../../urp/link-load.ts'
import { readKernelText } from '../kernel-file.ts'
import type { NetworkValues } from '../network-probe.ts'
import type { ProbeResult } from '../probe.ts'

export type Metered = 'auto' | 'yes' | 'no'
export type InterfaceFigures = NonNullable<LinkFigures['interface']>

/** Names of mobile broadband: wwan0, wwp0s20u4i8, ppp0. */
const CELLULAR_NAME = /^(?:wwan|wwp|ppp)\d/
/** Drivers of USB modems that look like Ethernet (kernel, drivers/net/usb). */
const MODEM_DRIVERS = /^(?:cdc_mbim|qmi_wwan|huawei_cdc_ncm|sierra_net|hso|rndis_host)$/

/**
 * The interface that a connection of this machine goes through, and whether its bytes cost money.
 * Undefined where the kernel does not tell which one it is.
 */
export async function readLinkInterface(o: {
  readonly localAddress: string | undefined
  readonly sysRoot: string
  readonly network: ProbeResult<NetworkValues> | undefined
  readonly metered: Metered
}): Promise<InterfaceFigures | undefined> {
  const name = o.localAddress && interfaceOf(o.localAddress, networkInterfaces())
  if (!name) return undefined
  const known = o.network?.status === 'ok' ? o.network.values.interfaces : []
  const one = known.find(candidate => candidate.name === name)
  const isCellular = one?.kind === 'cellular' || (await looksCellular(name, o.sysRoot))
  return {
    name,
    kind: isCellular ? 'cellular' : (one?.kind ?? 'other'),
    isMetered: o.metered === 'yes' || (o.metered === 'auto' && isCellular),
    ...(one?.rssiDbm === undefined ? {} : { rssiDbm: one.rssiDbm }),
    ...(one?.bitsPerSecond === undefined ? {} : { bitsPerSecond: one.bitsPerSecond }),
  }
}

/** By DEVTYPE and DRIVER of the kernel's uevents, else by the name. */
export async function looksCellular(name: string, sysRoot: string): Promise<boolean> {
  if (CELLULAR_NAME.test(name)) return true
  const folder = join(sysRoot, 'class/net', name)
  const uevent = (await readKernelText(join(folder, 'uevent'))) ?? ''
  if (/^DEVTYPE=wwan$/m.test(uevent)) return true
  const driver = /^DRIVER=(\S+)$/m.exec(
    await readFile(join(folder, 'device/uevent'), 'utf8').catch(() => ''),
  )?.[1]
  return driver !== undefined && MODEM_DRIVERS.test(driver)
}
