import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { temporaryDirectory } from './directories.ts'

/** Burns a core while the parent wants it to; looks up often enough to stop within a tick or two. */
const BURNER = `
let isBurning = false
process.on('message', message => { isBurning = message === 'burn'; if (isBurning) burn() })
process.on('disconnect', () => process.exit())
function burn() {
  const end = performance.now() + 5
  while (performance.now() < end) {}
  if (isBurning) setImmediate(burn)
}
process.send('ready')
`

export interface Burner {
  readonly pid: number
  set(work: 'burn' | 'rest'): void
  /** User and system time so far (fields 14 and 15 of proc_pid_stat(5)), in ticks of 10 ms. */
  ticks(): number
}

/** A process that loads one core when it is told to; ends with the test. */
export async function startBurner({ core }: { readonly core: number }): Promise<Burner> {
  const file = join(temporaryDirectory(), 'burner.cjs')
  writeFileSync(file, BURNER)
  const child: ChildProcess = fork(file, {
    execPath: 'taskset',
    execArgv: ['-c', String(core), process.execPath],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'message')
  const { pid } = child
  if (pid === undefined) throw new Error('the burner has no process id')
  return { pid, set: work => void child.send(work), ticks: () => processTicks(pid) }
}

function processTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}
