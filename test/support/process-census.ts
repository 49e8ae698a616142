import { readdirSync, readFileSync } from 'node:fs'

export interface LivingProcess {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/**
 * Living processes with this variable in their environment, whoever their parent is now: children
 * inherit the mark, so that an orphan is found as well.
 */
export function processesWith(name: string, value: string): LivingProcess[] {
  return readdirSync('/proc')
    .filter(entry => /^\d+$/.test(entry))
    .map(entry => lookAt(Number(entry), `${name}=${value}`))
    .filter(found => found !== null)
}

function lookAt(pid: number, mark: string): LivingProcess | null {
  try {
    const folder = `/proc/${pid}`
    // A zombie has no environment left, so that it does not count as living.
    if (!readFileSync(`${folder}/environ`, 'latin1').split('\0').includes(mark)) return null
    const status = readFileSync(`${folder}/status`, 'latin1')
    const command = readFileSync(`${folder}/cmdline`, 'latin1').replaceAll('\0', ' ').trim()
    return { pid, parent: Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]), command }
  } catch {
    // It ended while we looked, or is not ours to look at.
    return null
  }
}
