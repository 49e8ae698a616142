import { join } from 'node:path'
import { FIGURES, readFigure } from './kernel-figure.ts'
import { readKernelNames, readKernelText, whyNone } from './kernel-file.ts'
import type { Figure, Probe } from './probe.ts'
import { parseWireless } from './wireless.ts'
import { writtenSi } from './written.ts'

export type InterfaceKind = 'ethernet' | 'wifi' | 'cellular' | 'loopback' | 'virtual' | 'other'

export interface NetworkInterface {
  readonly name: string
  readonly kind: InterfaceKind
  /** Whether it can carry traffic now; absent where the kernel does not know. */
  readonly isUp?: boolean
  /** Of the wire. Wi-Fi drivers do not tell their rate in sysfs. */
  readonly bitsPerSecond?: number
  /** Of the access point's signal, where the driver tells it in dBm. */
  readonly rssiDbm?: number
}

export interface NetworkValues {
  readonly interfaces: readonly NetworkInterface[]
}

/** What interfaces there are, of which kind, and how well they are connected. */
export const networkProbe: Probe<NetworkValues> = {
  name: 'network',
  durationMsMax: 2000,
  async read({ procRoot, sysRoot }) {
    const discarded: string[] = []
    const folder = join(sysRoot, 'class/net')
    const names = await readKernelNames(folder)
    const wireless = parseWireless((await readKernelText(join(procRoot, 'net/wireless'))) ?? '')
    const read = await Promise.all(
      names.map(name => readInterface(name, { sysRoot, discarded, signal: wireless.get(name) })),
    )
    const interfaces = read.filter(each => each !== undefined)
    if (interfaces.length === 0)
      return { status: 'absent', reason: await whyNone('interface', folder) }
    return {
      status: 'ok',
      values: { interfaces },
      figures: interfaces.filter(({ kind }) => kind !== 'loopback').flatMap(figuresOf),
      method: wireless.size > 0 ? 'class/net, net/wireless' : 'class/net',
      discarded,
    }
  },
}

/** Undefined for what is no interface: bonding puts a file into the folder. */
async function readInterface(
  name: string,
  o: {
    readonly sysRoot: string
    readonly discarded: string[]
    readonly signal: number | null | undefined
  },
): Promise<NetworkInterface | undefined> {
  const path = `class/net/${name}`
  const folder = join(o.sysRoot, path)
  const type = await readKernelText(join(folder, 'type'))
  if (type === undefined) return undefined
  const kind = kindOf({
    type,
    uevent: (await readKernelText(join(folder, 'uevent'))) ?? '',
    entries: await readKernelNames(folder),
  })
  const isUp = upOf(await readKernelText(join(folder, 'operstate')))
  const bitsPerSecond = kind === 'ethernet' && isUp ? await readSpeed(path, o) : undefined
  if (o.signal === null) o.discarded.push(`net/wireless: the level of ${name} is not in dBm`)
  return {
    name,
    kind,
    ...(isUp === undefined ? {} : { isUp }),
    ...(bitsPerSecond === undefined ? {} : { bitsPerSecond }),
    ...(typeof o.signal === 'number' ? { rssiDbm: o.signal } : {}),
  }
}

/** Only of a wire that is plugged in: one that is not says the last one, or -1 for unknown. */
async function readSpeed(
  path: string,
  o: { readonly sysRoot: string; readonly discarded: string[] },
): Promise<number | undefined> {
  const file = `${path}/speed`
  if ((await readKernelText(join(o.sysRoot, file))) === '-1') return undefined
  const { sysRoot: root, discarded } = o
  return readFigure({ root, path: file, kind: FIGURES.megabits, discarded })
}

/**
 * ARPHRD numbers of `type` (kernel, uapi/linux/if_arp.h), DEVTYPE of `uevent`, and `device`, which is
 * there for hardware. Mobile broadband is WWAN, PPP (512) or raw IP (519) on hardware.
 */
function kindOf(o: {
  readonly type: string
  readonly uevent: string
  readonly entries: readonly string[]
}): InterfaceKind {
  const deviceType = /^DEVTYPE=(\w+)$/m.exec(o.uevent)?.[1]
  if (o.type === '772') return 'loopback'
  if (deviceType === 'wlan' || o.entries.includes('phy80211')) return 'wifi'
  if (deviceType === 'wwan' || o.type === '512' || o.type === '519') return 'cellular'
  if (!o.entries.includes('device')) return 'virtual'
  return o.type === '1' ? 'ethernet' : 'other'
}

/** RFC 2863 words (kernel, networking/operstates). */
function upOf(operstate: string | undefined): boolean | undefined {
  if (operstate === undefined || operstate === 'unknown' || operstate === '') return undefined
  return operstate === 'up'
}

function figuresOf(one: NetworkInterface): Figure[] {
  const rate = one.bitsPerSecond === undefined ? undefined : writtenSi(one.bitsPerSecond, 'bit/s')
  const state = one.isUp === undefined ? '' : one.isUp ? 'up' : 'down'
  return [
    { name: `${one.name}, ${one.kind}`, value: rate?.value ?? state, unit: rate?.unit ?? '' },
    ...(one.rssiDbm === undefined
      ? []
      : [{ name: '  signal', value: String(one.rssiDbm), unit: 'dBm' }]),
  ]
}
