import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { absent, type Check, type DoctorContext, type Finding, fault } from './check.ts'
import { accessFinding } from './device-access.ts'

/** RTL2832U receivers as librtlsdr knows them: Realtek's vendor number. */
const VENDOR = '0bda'
const PRODUCTS = new Set(['2832', '2838'])
const DVB_DRIVER = 'dvb_usb_rtl28xxu'

interface Receiver {
  /** Its folder below /sys/bus/usb/devices. */
  readonly name: string
  readonly product: string
  readonly path: string
}

/** USB receivers: whether the kernel's television driver holds them, and who may open them. */
export const receiverCheck: Check = {
  name: 'radio receivers',
  durationMsMax: 5000,
  async run(context) {
    const receivers = await listReceivers(context.roots)
    if (receivers.length === 0) return [absent('no RTL2832U receiver at USB')]
    return Promise.all(receivers.map(receiver => findingOf(receiver, context)))
  },
}

async function findingOf(receiver: Receiver, context: DoctorContext): Promise<Finding> {
  const { name, product, path } = receiver
  if ((await driversOf(name, context.roots.sysRoot)).includes(DVB_DRIVER)) {
    return fault(
      `the television driver ${DVB_DRIVER} holds the receiver at USB ${name}`,
      `echo 'blacklist ${DVB_DRIVER}' | sudo tee /etc/modprobe.d/gainnet-receiver.conf && ` +
        `sudo modprobe -r ${DVB_DRIVER}`,
    )
  }
  const rule =
    `SUBSYSTEM=="usb", ATTR{idVendor}=="${VENDOR}", ATTR{idProduct}=="${product}", ` +
    'GROUP="plugdev", MODE="0660"'
  const groupCommand =
    `echo '${rule}' | sudo tee /etc/udev/rules.d/60-gainnet-receiver.rules && ` +
    'sudo udevadm control --reload && sudo udevadm trigger'
  return accessFinding({ path, what: 'receiver', groupCommand }, context)
}

async function listReceivers(
  roots: Pick<DoctorContext['roots'], 'sysRoot' | 'devRoot'>,
): Promise<readonly Receiver[]> {
  const folder = join(roots.sysRoot, 'bus/usb/devices')
  const names = await readdir(folder).catch(() => [])
  const receivers = await Promise.all(
    names.map(async name => {
      const text = (file: string): Promise<string> => {
        return readFile(join(folder, name, file), 'utf8').then(
          content => content.trim(),
          () => '',
        )
      }
      const product = await text('idProduct')
      if ((await text('idVendor')) !== VENDOR || !PRODUCTS.has(product)) return null
      const [bus, device] = [await text('busnum'), await text('devnum')]
      const node = [bus, device].map(number => number.padStart(3, '0'))
      return { name, product, path: join(roots.devRoot, 'bus/usb', ...node) }
    }),
  )
  return receivers.filter(receiver => receiver !== null)
}

/** Kernel drivers of the interfaces of a USB device. */
async function driversOf(name: string, sysRoot: string): Promise<readonly string[]> {
  const folder = join(sysRoot, 'bus/usb/devices')
  const interfaces = (await readdir(folder)).filter(entry => entry.startsWith(`${name}:`))
  const drivers = await Promise.all(
    interfaces.map(entry => readlink(join(folder, entry, 'driver')).catch(() => '')),
  )
  return drivers.map(path => basename(path))
}
