import { readdir, readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { GainnetError } from '../../runtime/errors.ts'

/** What hangs at a serial port. USB fields are absent for ports that are soldered on. */
export interface SerialPortInfo {
  /** Changes with the order of plugging in: never an identity. */
  readonly device: string
  /** Below /dev/serial/by-id, where udev has made one. */
  readonly byId?: string
  /** vid:pid:serial, lower case, with which a configuration names a board. */
  readonly usbId?: string
  readonly product?: string
}

export interface SerialRoots {
  readonly sysRoot: string
  readonly devRoot: string
}

/**
 * Serial ports by sysfs and /dev/serial. `SerialPort.list()` asks udevadm, and where that is not
 * installed it ends the process.
 */
export async function listSerialPorts(roots: SerialRoots): Promise<readonly SerialPortInfo[]> {
  const { sysRoot, devRoot } = roots
  const byIds = await linksByDevice(join(devRoot, 'serial/by-id'))
  const names = await entriesOf(join(sysRoot, 'class/tty'))
  const ports = await Promise.all(
    names.map(async name => {
      const device = await realpath(join(sysRoot, 'class/tty', name, 'device')).catch(() => null)
      // Consoles and pseudo-terminals have no device; 8250 ports without hardware have no driver id.
      if (device === null) return null
      const byId = byIds.get(name)
      const usb = await usbOf(device)
      if (!usb && !/^tty(S|AMA|THS|mxc|SC)\d+$/.test(name)) return null
      return {
        device: join(devRoot, name),
        ...(byId === undefined ? {} : { byId }),
        ...usb,
      }
    }),
  )
  return ports.filter(port => port !== null)
}

/** The port of a board named as vid:pid:serial; an error in words where there is none or several. */
export function portOf(
  usbId: string,
  ports: readonly SerialPortInfo[],
): { readonly path: string } | { readonly reason: string } {
  const found = ports.filter(port => port.usbId === usbId.toLowerCase())
  const [one] = found
  if (one === undefined) return { reason: `no board ${usbId} is plugged in` }
  if (found.length > 1) {
    const paths = found.map(({ device }) => device).join(', ')
    return { reason: `${found.length} boards call themselves ${usbId}: ${paths}` }
  }
  return { path: one.byId ?? one.device }
}

/**
 * Where a port is now that is named by a path, best one of /dev/serial/by-id, or as vid:pid:serial:
 * asked anew for each attempt to open it, as its number changes. SENSOR_UNAVAILABLE says why not.
 */
export async function findPort(
  port: string,
  roots: SerialRoots = { sysRoot: '/sys', devRoot: '/dev' },
): Promise<string> {
  if (port.startsWith('/')) return port
  const found = portOf(port, await listSerialPorts(roots))
  if ('reason' in found) throw new GainnetError('SENSOR_UNAVAILABLE', found.reason)
  return found.path
}

/** Names of the devices that the links of a folder lead to. */
async function linksByDevice(folder: string): Promise<ReadonlyMap<string, string>> {
  const links = new Map<string, string>()
  for (const name of await entriesOf(folder)) {
    const target = await realpath(join(folder, name)).catch(() => null)
    if (target !== null) links.set(basename(target), join(folder, name))
  }
  return links
}

/** The nearest USB device above: the interface itself has no vendor. */
async function usbOf(
  device: string,
): Promise<Pick<SerialPortInfo, 'usbId' | 'product'> | undefined> {
  for (let folder = device, up = 0; up < 6 && folder !== '/'; up++, folder = dirname(folder)) {
    const vendor = await textOf(join(folder, 'idVendor'))
    const product = await textOf(join(folder, 'idProduct'))
    if (vendor === undefined || product === undefined) continue
    const serial = (await textOf(join(folder, 'serial'))) ?? ''
    const name = await textOf(join(folder, 'product'))
    return {
      usbId: `${vendor}:${product}:${serial}`.toLowerCase(),
      ...(name === undefined ? {} : { product: name }),
    }
  }
  return undefined
}

async function entriesOf(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort()
}

async function textOf(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.trim() === '' ? undefined : text.trim()
}
