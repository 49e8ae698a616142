import { mkdirSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { expectAllDelivered } from '../../support/deliveries.ts'
import { canMountTmpfs, tinyTmpfs } from '../../support/directories.ts'
import { READY_MS, TestFleet } from '../../support/fleet.ts'
import { expectHonestVersions } from '../../support/learned.ts'
import type { Tapped } from '../../support/wire-tap.ts'

const [FULL, OTHER] = ['pi-01', 'pi-02'] as const
const DISK_BYTES = 8 * 1024 * 1024

// Mounting a file system of a few megabytes needs root.
test.skipIf(!canMountTmpfs)(
  'an agent whose disk is full says so, goes on, and has lost nothing when there is room again',
  async () => {
    const fleet = await TestFleet.prepare({ broker: 'embedded', agents: [FULL, OTHER] })
    const disk = tinyTmpfs(DISK_BYTES)
    mkdirSync(dirname(fleet.stateDirectory(FULL)), { recursive: true })
    symlinkSync(disk, fleet.stateDirectory(FULL))
    fleet.startController()
    await fleet.connectTap()
    const { tap } = fleet
    fleet.startAgent(FULL)
    await fleet.isReady(FULL)
    // Rounds wait for the second agent: the first report of the first one finds the disk full.
    const filler = fill(disk)
    fleet.startAgent(OTHER)

    const isOfFull = ({ parameters }: { parameters: Readonly<Record<string, string>> }): boolean =>
      parameters.agentId === FULL
    const degraded = await tap.waitFor(
      'agentState',
      message => isOfFull(message) && message.body.state === 'degraded',
      { ms: READY_MS, what: `${FULL} is degraded` },
    )
    expect(degraded.body.reason).toMatch(/outbox: ENOSPC/)
    const failed = await tap.waitFor(
      'assignmentStatus',
      message => isOfFull(message) && message.body.phase === 'upload' && isFailed(message),
      { ms: READY_MS, what: `${FULL} cannot keep its update` },
    )
    expect(failed.body.reason).toMatch(/bytes are free|ENOSPC/)
    const other = await fleet.waitForRecord(({ models }) => models.length > 0, {
      what: `${OTHER} is not disturbed`,
    })
    expect(other.contributions).toContainEqual(
      expect.objectContaining({ agentId: OTHER, outcome: 'aggregated' }),
    )
    expect(fleet.agent(FULL).hasEnded).toBe(false)

    rmSync(filler)
    await fleet.agent(FULL).waitForLog('outbox writes to disk again')
    const well = await tap.waitFor(
      'agentState',
      message => isOfFull(message) && message.body.state !== 'degraded',
      { ms: 10_000, what: `${FULL} is well again`, after: tap.all('agentState').indexOf(degraded) },
    )
    expect(well.body).toMatchObject({ session: degraded.body.session })
    expect(well.body.reason).toBeUndefined()
    await fleet.waitForRecord(
      ({ contributions }) =>
        contributions.some(({ agentId, outcome }) => agentId === FULL && outcome === 'aggregated'),
      { what: `${FULL} has contributed` },
    )
    await expectAllDelivered(fleet, FULL)
    expectHonestVersions(fleet, 'prose')
    await fleet.stop()
  },
  180_000,
)

function isFailed({ body }: Tapped<'assignmentStatus'>): boolean {
  return body.status === 'failed'
}

/** Takes every free byte; returns the file that does. */
function fill(disk: string): string {
  const path = join(disk, 'filler')
  const { bavail, bsize } = statfsSync(disk)
  writeFileSync(path, Buffer.alloc(bavail * bsize))
  return path
}
