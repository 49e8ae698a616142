import { readdirSync, readFileSync } from 'node:fs'

/** Pids of the living processes that this one has started and not yet seen the end of. */
export function childrenOfThisProcess(): number[] {
  return readdirSync('/proc/self/task')
    .flatMap(thread => readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' '))
    .filter(text => text !== '')
    .map(Number)
}
