import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { DemoDaemon, endText } from '../../../demo/demo-daemon.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { waitFor } from '../../support/wait-for.ts'

function start(command: readonly string[]): { daemon: DemoDaemon; output: () => string } {
  const logFile = join(temporaryDirectory(), 'logs', 'it.log')
  const daemon = DemoDaemon.program({ name: 'it', command, logFile })
  onTestFinished(() => daemon.kill())
  return { daemon, output: () => readFileSync(logFile.replace('.log', '.out'), 'utf8') }
}

test('ends at SIGTERM and says how; a second stop says the same', async () => {
  const { daemon } = start(['sleep', '60'])
  const end = { code: null, signal: 'SIGTERM' }
  expect(await daemon.stop()).toEqual(end)
  expect(await daemon.stop()).toEqual(end)
  expect(daemon.hasEnded).toBe(true)
})

test('what it said last is there to be shown', async () => {
  const { daemon } = start(['sh', '-c', 'echo one; echo two >&2; exit 3'])
  const end = await daemon.ended
  expect(endText(end)).toBe('ended with exit code 3')
  expect(await daemon.lastLines()).toEqual(['one', 'two'])
})

test('a kill reaches the children of the daemon', async () => {
  const { daemon, output } = start(['sh', '-c', 'sleep 60 & echo $!; wait'])
  const child = await waitFor(() => Number(output()), { what: 'the child is there' })
  daemon.kill()
  await daemon.ended
  await waitFor(() => !isRunning(child), { what: 'the child is gone' })
})

test('a program that is not there is an end and not a crash', async () => {
  const { daemon } = start(['/nowhere/to/be/found'])
  expect(endText(await daemon.ended)).toBe('could not be started')
  await daemon.stop()
})

function isRunning(pid: number): boolean {
  try {
    // A zombie still has its number; whoever inherits it has not looked yet.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
