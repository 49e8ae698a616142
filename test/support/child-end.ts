import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

export interface ChildEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** How the process ended, once it has. */
export async function endOf(child: ChildProcess): Promise<ChildEnd> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return { code: child.exitCode, signal: child.signalCode }
}

/** Sends the signal and waits; SIGKILL and an error where the process does not obey in time. */
export async function endChild(
  child: ChildProcess,
  { signal, ms }: { readonly signal: NodeJS.Signals; readonly ms: number },
): Promise<ChildEnd> {
  if (child.exitCode !== null || child.signalCode !== null) return endOf(child)
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, ms)
  child.kill(signal)
  const end = await endOf(child)
  clearTimeout(timer)
  if (late) throw new Error(`${child.spawnargs.join(' ')} did not end within ${ms} ms of ${signal}`)
  return end
}
