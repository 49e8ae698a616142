import { readFile } from 'node:fs/promises'
import { errnoOf } from './errors.ts'

/** A process as one that cannot be mistaken for a later one that was given the same pid. */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks between the boot of the kernel and the start of the process; proc(5), field 22. */
  readonly startTicks: string
  readonly bootId: string
}

export async function ownIdentity(): Promise<ProcessIdentity> {
  const { pid } = process
  return { pid, startTicks: (await startTicksOf(pid)) ?? '', bootId: await bootId() }
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  if (identity.bootId !== (await bootId())) return false
  return (await startTicksOf(identity.pid)) === identity.startTicks
}

async function startTicksOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The name of the program stands in brackets and may hold spaces and brackets itself.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return undefined
    throw error
  }
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
}
