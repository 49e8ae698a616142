import { readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { readKernelTextNow } from '../measure/kernel-file.ts'
import type { FaultPlace } from './camera-fault.ts'

/** Who we are, who may open the path and who has it open: what the remedies name. */
export function placeOf(path: string | undefined, procRoot = '/proc'): FaultPlace {
  const user = userInfo().username
  if (path === undefined) return { user }
  return { user, group: groupOf(path), holders: holdersOf(path, procRoot) }
}

export interface Holder {
  readonly pid: number
  readonly name: string
}

/** Programs that have the file open; without root only those of this user can be seen. */
export function holdersOf(path: string, procRoot = '/proc'): Holder[] {
  const target = realPathOf(path)
  if (target === undefined) return []
  const pids = readdirSync(procRoot).filter(entry => /^\d+$/.test(entry))
  return pids
    .filter(pid => openFilesOf(join(procRoot, pid, 'fd')).includes(target))
    .map(pid => ({
      pid: Number(pid),
      name: readKernelTextNow(join(procRoot, pid, 'comm')) ?? 'ended',
    }))
}

function openFilesOf(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap(fd => linkOf(join(folder, fd)) ?? [])
  } catch {
    // Of another user, or it has ended meanwhile.
    return []
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

/** The name of the group that the file belongs to. */
function groupOf(path: string): string | undefined {
  try {
    const { gid } = statSync(path)
    const groups = readKernelTextNow('/etc/group') ?? ''
    return new RegExp(`^([^:]+):[^:]*:${gid}:`, 'm').exec(groups)?.[1]
  } catch {
    return undefined
  }
}
