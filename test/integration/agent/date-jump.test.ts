import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startEmbedded } from '../../support/brokers.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { waitFor } from '../../support/wait-for.ts'
import { USERS } from '../wire/wire-fixture.ts'
import { startClockOnly, startLoneAgent } from './lone-agent.ts'

/** A busy machine answers late; a date that counts would be off by decades. */
const OFF_MS_MAX = 1000

/** Debian's libfaketime: a date of its own for one process, from a file that may change meanwhile. */
const library = readdirSync('/usr/lib')
  .map(folder => join('/usr/lib', folder, 'faketime/libfaketime.so.1'))
  .find(path => existsSync(path))

test.skipIf(!library)(
  'rounds are described in time on a board whose date starts in the seventies and jumps',
  { timeout: 60_000 },
  async () => {
    const { port } = await startEmbedded({ users: USERS })
    const { urps, endOf } = await startClockOnly(port)
    const dateFile = join(temporaryDirectory(), 'date')
    writeFileSync(dateFile, '-20000d')
    const { log } = startLoneAgent(port, {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: dateFile,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_NO_CACHE: '1',
    })
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
