import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian package of each command that a lab uses. */
const PACKAGES = {
  ip: 'iproute2',
  tc: 'iproute2',
  vde_switch: 'vde2',
  wirefilter: 'vde2',
  iperf3: 'iperf3',
  ping: 'iputils-ping',
} as const

/** Why there can be no lab on this machine, in one line; undefined where there can. */
export function whyNoLab(): string | undefined {
  const missing = Object.entries(PACKAGES).flatMap(([command, name]) => {
    return isInstalled(command) ? [] : [name]
  })
  if (missing.length > 0) {
    const names = [...new Set(missing)].join(' ')
    return `no lab of network namespaces: sudo apt-get install --no-install-recommends ${names}`
  }
  if (process.getuid?.() !== 0) return 'no lab of network namespaces: this is not root'
  if (!existsSync('/dev/net/tun')) return 'no lab of network namespaces: there is no /dev/net/tun'
  return mayMakeNamespaces()
    ? undefined
    : 'no lab of network namespaces: the kernel does not let us make one'
}

function mayMakeNamespaces(): boolean {
  try {
    // Shaped as a wire is: a container may have namespaces and yet no tbf.
    const script =
      'ip link add name w0 type veth peer name w1 && tc qdisc add dev w0 root tbf rate 1mbit'
    execFileSync('unshare', ['--net', 'sh', '-c', `${script} burst 4kb limit 10kb`], {
      stdio: 'pipe',
    })
    return true
  } catch {
    return false
  }
}

function isInstalled(command: string): boolean {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.some(folder => existsSync(join(folder, command)))
}
