import { spawn } from 'node:child_process'
import { expect, onTestFinished, test } from 'vitest'
import { startEmbedded } from '../../support/brokers.ts'
import { endChild } from '../../support/child-end.ts'
import { findCommand } from '../../support/commands.ts'
import { waitFor } from '../../support/wait-for.ts'
import { USERS } from '../wire/wire-fixture.ts'
import { startClockOnly, startLoneAgent } from './lone-agent.ts'

const strace = findCommand('strace')

test.skipIf(!strace)(
  'an agent that describes its rounds starts no process for it',
  { timeout: 60_000 },
  async () => {
    const { port } = await startEmbedded({ users: USERS })
    const { urps } = await startClockOnly(port)
    const { log, pid } = startLoneAgent(port)
    const rounds = (count: number, what: string) => {
      const before = urps.length
      const isThere = () => urps.length >= before + count
      return waitFor(isThere, { what: `${what}\n${log()}`, ms: 30_000 })
    }
    await rounds(2, 'the first rounds')
    const calls = ['-f', '-e', 'trace=execve,execveat,fork,vfork,clone,clone3', '-p', `${pid}`]
    const tracer = spawn(strace ?? '', calls, { stdio: ['ignore', 'ignore', 'pipe'] })
    onTestFinished(async () => {
      await endChild(tracer, { signal: 'SIGKILL', ms: 5000 })
    })
    let trace = ''
    tracer.stderr.setEncoding('utf8').on('data', text => {
      trace += text
    })
    await waitFor(() => / attached/.test(trace), { what: `strace is attached: ${trace}` })
    await rounds(4, 'the rounds that are watched')
    // Threads of Node's own pool are no processes.
    const started = trace
      .split('\n')
      .filter(line => /\b(execve|execveat|fork|vfork|clone3?)\(/.test(line))
      .filter(line => !line.includes('CLONE_THREAD'))
    expect(started).toEqual([])
  },
)
