import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import type { Urp } from '../../../protocol/urp.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { endChild } from '../../support/child-end.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { ROOT } from '../../support/root.ts'
import { AGENT, CONTROLLER, startWire } from '../wire/wire-fixture.ts'

const CUT = { slots: 4, slotMs: 300 }
const CR_MS = CUT.slots * CUT.slotMs
const FIRST_CR = 100

/** An agent as a process, on a board without cores or link. */
export function startLoneAgent(
  port: number,
  environment: Readonly<Record<string, string | undefined>> = {},
  more: object = {},
) {
  const folder = temporaryDirectory()
  const procRoot = join(folder, 'proc')
  mkdirSync(procRoot)
  const config = join(folder, 'agent.yaml')
  const { username: agentId, password } = AGENT
  writeFileSync(
    config,
    stringify({
      agentId,
      stateDirectory: join(folder, 'state'),
      broker: { url: `mqtt://127.0.0.1:${port}`, password },
      measure: { procRoot, sysRoot: procRoot },
      healthSeconds: 1,
      ...more,
    }),
  )
  const args = ['--import', 'tsx', join(ROOT, 'cli/main.ts'), 'agent', '--config', config]
  const agent = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  onTestFinished(async () => {
    await endChild(agent, { signal: 'SIGKILL', ms: 5000 })
  })
  let log = ''
  agent.stderr.setEncoding('utf8').on('data', text => {
    log += text
  })
  return { log: () => log, pid: agent.pid }
}

/** What an agent needs of a controller to follow its rounds: its clock, asked and announced. */
export async function startClockOnly(port: number) {
  const { wire } = await startWire(port, CONTROLLER)
  const urps: Urp[] = []
  await wire.on('urp', {}, urp => void urps.push(urp))
  await wire.on('clockAsk', {}, async ({ id, t1 }, { agentId }) => {
    const t2 = systemClock.now()
    await wire.publish('clockTell', { agentId }, { id, t1, t2, t3: t2 })
  })
  const startMs = systemClock.now() + CR_MS
  let crId = FIRST_CR
  const announce = (): void => {
    const startsAt = new Date(startMs + (crId - FIRST_CR) * CR_MS).toISOString()
    void wire.publish('crClock', {}, { crId, startsAt, ...CUT }).catch(() => undefined)
  }
  announce()
  const timer = setInterval(() => {
    crId = FIRST_CR + Math.max(0, Math.floor((systemClock.now() - startMs) / CR_MS))
    announce()
  }, CR_MS)
  onTestFinished(() => clearInterval(timer))
  return { wire, urps, endOf: (cr: number) => startMs + (cr - FIRST_CR + 1) * CR_MS }
}
