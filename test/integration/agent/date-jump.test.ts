import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import type { Urp } from '../../../protocol/urp.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { startEmbedded } from '../../support/brokers.ts'
import { endChild } from '../../support/child-end.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { ROOT } from '../../support/root.ts'
import { waitFor } from '../../support/wait-for.ts'
import { AGENT, CONTROLLER, startWire, USERS } from '../wire/wire-fixture.ts'

const CUT = { slots: 4, slotMs: 300 }
const CR_MS = CUT.slots * CUT.slotMs
const FIRST_CR = 100
/** A busy machine answers late; a date that counts would be off by decades. */
const OFF_MS_MAX = 1000

/** Debian's libfaketime: a date of its own for one process, from a file that may change meanwhile. */
const library = readdirSync('/usr/lib')
  .map(folder => join('/usr/lib', folder, 'faketime/libfaketime.so.1'))
  .find(path => existsSync(path))

/** An agent as a process whose date is what the file says, on a board without cores or link. */
function startAgent(port: number, dateFile: string) {
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
    }),
  )
  const args = ['--import', 'tsx', join(ROOT, 'cli/main.ts'), 'agent', '--config', config]
  const agent = spawn(process.execPath, args, {
    cwd: ROOT,
    env: {
      ...process.env,
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: dateFile,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_NO_CACHE: '1',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  onTestFinished(async () => {
    await endChild(agent, { signal: 'SIGKILL', ms: 5000 })
  })
  let log = ''
  agent.stderr.setEncoding('utf8').on('data', text => {
    log += text
  })
  return { log: () => log }
}

/** What an agent needs of a controller to follow its rounds: its clock, asked and announced. */
async function startController(port: number) {
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
  return { urps, endOf: (cr: number) => startMs + (cr - FIRST_CR + 1) * CR_MS }
}

test.skipIf(!library)(
  'rounds are described in time on a board whose date starts in the seventies and jumps',
  { timeout: 60_000 },
  async () => {
    const { port } = await startEmbedded({ users: USERS })
    const { urps, endOf } = await startController(port)
    const dateFile = join(temporaryDirectory(), 'date')
    writeFileSync(dateFile, '-20000d')
    const { log } = startAgent(port, dateFile)
    const jumps = () => log().split('date or monotonic clock jumped').length - 1
    const more = async (count: number, what: string) => {
      const before = urps.length
      await waitFor(() => urps.length >= before + count, { what: `${what}\n${log()}`, ms: 30_000 })
    }
    await more(2, 'URPs in the seventies')
    for (const [index, date] of ['+0', '+1d', '-20000d'].entries()) {
      writeFileSync(dateFile, date)
      await waitFor(() => jumps() > index, { what: `jump to ${date} is noticed`, ms: 20_000 })
      await more(2, `URPs after ${date}`)
    }
    const rounds = urps.map(({ crId }) => crId)
    expect(rounds).toEqual([...new Set(rounds)].sort((a, b) => a - b))
    for (const { crId, validUntil, clock } of urps) {
      expect(Math.abs(Date.parse(validUntil) - endOf(crId))).toBeLessThan(OFF_MS_MAX)
      expect(clock?.errorMs).toBeLessThan(OFF_MS_MAX)
      // Its own clock goes on from the date at its start, whatever the date is now.
      expect(clock?.offsetMs).toBeGreaterThan(19_999 * 86_400_000)
    }
  },
)
