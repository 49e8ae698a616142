import { readdirSync, readFileSync } from 'node:fs'

/** Pids of the living processes of that name which this process has started. */
export function childrenOf(parent: number, name: string): number[] {
  return readdirSync(`/proc/${parent}/task`)
    .flatMap(thread => readFileSync(`/proc/${parent}/task/${thread}/children`, 'utf8').split(' '))
    .filter(text => text !== '')
    .map(Number)
    .filter(pid => nameOf(pid) === name)
}

function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    // It has ended meanwhile.
    return undefined
  }
}
