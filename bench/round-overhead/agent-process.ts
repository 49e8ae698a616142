import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { childModule } from '../../runtime/child-module.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'
import type { AgentReport, AgentSetup } from './agent-setup.ts'

const STOP_MS_MAX = 10_000

/** Starts an agent process; resolves when both of its agents are connected. */
export async function startAgentProcess(setup: AgentSetup): Promise<Stoppable> {
  const { path, execArgv } = childModule(import.meta.url, './agent-child')
  const child = fork(path, { execArgv: [...execArgv] })
  child.send(setup)
  const report = await firstReport(child)
  if (report.status === 'failed') throw new Error(`${setup.agentId}: ${report.reason}`)
  return { stop: () => end(child) }
}

async function firstReport(child: ChildProcess): Promise<AgentReport> {
  const failed: AgentReport = { status: 'failed', reason: 'ended at its start' }
  const ended = once(child, 'exit').then(() => failed)
  // The child sends one report and nothing else.
  const said = once(child, 'message').then(([report]) => report as AgentReport)
  return Promise.race([said, ended])
}

/** A child whose parent has disconnected ends itself. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
  const exited = once(child, 'exit')
  if (child.connected) child.disconnect()
  await exited
  clearTimeout(timer)
}
