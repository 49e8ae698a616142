import type { NetworkInterfaceInfo } from 'node:os'

/** Bytes on a network interface or a connection since some beginning. */
export interface InterfaceBytes {
  readonly receivedBytes: number
  readonly sentBytes: number
}

/** Lines `name: received … (8 fields) sent …` of /proc/net/dev (proc_pid_net(5)). */
export function parseInterfaceBytes(text: string): Map<string, InterfaceBytes> {
  const interfaces = new Map<string, InterfaceBytes>()
  for (const [, name, fields] of text.matchAll(/^\s*([^\s:]+):\s*([\d ]+)$/gm)) {
    const counters = (fields ?? '').trim().split(/ +/).map(Number)
    const [receivedBytes, sentBytes] = [counters[0], counters[8]]
    if (name === undefined || receivedBytes === undefined || sentBytes === undefined) continue
    interfaces.set(name, { receivedBytes, sentBytes })
  }
  return interfaces
}

/**
 * Share of the link that nobody else used, in the fuller of the two directions: a GAI round needs
 * both, and one number a slot is what the matrix holds.
 */
export function linkFreeShare(options: {
  readonly before: InterfaceBytes
  readonly after: InterfaceBytes
  readonly durationMs: number
  readonly capacity: {
    readonly downlinkBitsPerSecond: number
    readonly uplinkBitsPerSecond: number
  }
}): number {
  const { before, after, durationMs, capacity } = options
  if (!(durationMs > 0)) return Number.NaN
  const used = (bytes: number, bitsPerSecond: number): number =>
    (bytes * 8000) / durationMs / bitsPerSecond
  const down = used(after.receivedBytes - before.receivedBytes, capacity.downlinkBitsPerSecond)
  const up = used(after.sentBytes - before.sentBytes, capacity.uplinkBitsPerSecond)
  return Math.min(1, Math.max(0, 1 - Math.max(down, up)))
}

/**
 * Name of the interface that a socket's own address belongs to, e.g. `lo` or `wlan0`, from
 * `os.networkInterfaces()`. An IPv4 address may come in IPv6 dress (RFC 4291, 2.5.5.2).
 */
export function interfaceOf(
  localAddress: string,
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>,
): string | undefined {
  const address = localAddress.replace(/^::ffff:/i, '')
  return Object.entries(interfaces).find(([, addresses]) =>
    addresses?.some(candidate => candidate.address === address),
  )?.[0]
}
