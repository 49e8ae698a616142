import type { ChildProcess } from 'node:child_process'

const living = new Set<ChildProcess>()
let isHeard = false

/** A child that must not outlive this process, however it ends. */
export function endWithUs(child: ChildProcess): void {
  living.add(child)
  child.once('exit', () => living.delete(child))
  if (isHeard) return
  isHeard = true
  process.once('exit', () => {
    for (const one of living) one.kill('SIGKILL')
  })
}
