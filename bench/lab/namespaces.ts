import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** Of every namespace that a lab makes: `gainnet-<pid>-<lab>-<host>`. */
const PREFIX = 'gainnet-'

/** Runs a command of iproute2 and returns what it printed; throws with what it said against it. */
export function iproute(command: 'ip' | 'tc', args: readonly string[]): string {
  return execFileSync(command, [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** The same within a namespace. */
export function iprouteIn(
  namespace: string,
  command: 'ip' | 'tc',
  args: readonly string[],
): string {
  return iproute('ip', ['netns', 'exec', namespace, command, ...args])
}

export function addNamespace(lab: string, host: string): string {
  const namespace = `${PREFIX}${process.pid}-${lab}-${host}`
  iproute('ip', ['netns', 'add', namespace])
  iproute('ip', ['-n', namespace, 'link', 'set', 'lo', 'up'])
  return namespace
}

/** Ends what still runs in the namespaces and removes them, with the interfaces in them. */
export function removeNamespaces(namespaces: readonly string[]): void {
  const there = namespacesNow().filter(name => namespaces.includes(name))
  for (const namespace of there) {
    const pids = iproute('ip', ['netns', 'pids', namespace]).split('\n').filter(Boolean).map(Number)
    for (const pid of pids) endNow(pid)
  }
  for (const namespace of there) iproute('ip', ['netns', 'del', namespace])
}

/** A lab whose process was killed could not clean up: whoever comes next does. */
export function removeStaleNamespaces(): void {
  const stale = namespacesNow().filter(name => {
    const pid = name.startsWith(PREFIX) ? name.slice(PREFIX.length).split('-')[0] : undefined
    return pid !== undefined && /^\d+$/.test(pid) && !existsSync(`/proc/${pid}`)
  })
  removeNamespaces(stale)
}

function namespacesNow(): string[] {
  // A namespace with an id is listed as "name (id: 0)".
  return iproute('ip', ['netns', 'list'])
    .split('\n')
    .map(line => line.split(' ')[0] ?? '')
    .filter(Boolean)
}

function endNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended while we looked.
  }
}
