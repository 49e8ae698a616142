import { expect, test } from 'vitest'
import { isEnd } from '../../../protocol/assignment.ts'
import { findCommand } from '../../support/commands.ts'
import type { DaemonLine } from '../../support/daemon-process.ts'
import { expectAllDelivered, statusesTaken } from '../../support/deliveries.ts'
import { READY_MS, TestFleet } from '../../support/fleet.ts'
import { expectHonestVersions } from '../../support/learned.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { waitFor } from '../../support/wait-for.ts'

const AGENTS = ['pi-01', 'pi-02'] as const
const TEST_MS = 180_000

test.skipIf(!findCommand('mosquitto'))(
  'a broker that is killed in mid-round and comes back empty costs nothing that was produced',
  async () => {
    const run = await startRun('mosquitto')
    const { fleet } = run
    await outage(run, {
      kill: () => fleet.mosquitto?.kill(),
      restart: () => fleet.mosquitto?.start(),
    })
    await expectAllTakenOnce(fleet, [fleet.controller.lines])
    expectIdsOnce(fleet)
    expectHonestVersions(fleet, 'prose')
    await fleet.stop()
  },
  TEST_MS,
)

test(
  'a controller that is killed with its broker in mid-round goes on where it was',
  async () => {
    const run = await startRun('embedded')
    const { fleet } = run
    const firstLife = fleet.controller.lines
    await outage(run, {
      kill: () => fleet.controller.kill(),
      restart: () => fleet.startController(),
    })
    await expectAllTakenOnce(fleet, [firstLife, fleet.controller.lines])
    expectIdsOnce(fleet)
    expectHonestVersions(fleet, 'prose')
    await fleet.stop()
  },
  TEST_MS,
)

/**
 * What agents delivered is what the controller took. A life of it that was killed may have died
 * before it wrote down what it had taken: across lives the same report may be taken again.
 */
async function expectAllTakenOnce(
  fleet: TestFleet,
  lives: readonly (readonly DaemonLine[])[],
): Promise<void> {
  for (const agentId of AGENTS) {
    await expectAllDelivered(fleet, agentId)
    const taken = (): string[] => lives.flatMap(lines => statusesTaken(lines, agentId))
    await waitFor(
      () => [...new Set(taken())].sort().join() === heardStatuses(fleet, agentId).join(),
      { ms: 30_000, what: `the controller has taken what ${agentId} said` },
    )
    for (const lines of lives) {
      const once = statusesTaken(lines, agentId)
      expect(new Set(once).size).toBe(once.length)
    }
  }
}

interface Run {
  readonly fleet: TestFleet
  readonly proxy: Awaited<ReturnType<typeof startTcpProxy>>
}

/**
 * Agents reach the broker through a proxy, which keeps them away after the outage until the tap is
 * there to hear what they bring. Resolves when a round was learned from.
 */
async function startRun(broker: 'embedded' | 'mosquitto'): Promise<Run> {
  const fleet = await TestFleet.prepare({ broker, agents: AGENTS })
  fleet.startController()
  await fleet.connectTap()
  const proxy = await startTcpProxy(fleet.port)
  for (const agentId of AGENTS) fleet.startAgent(agentId, { brokerPort: proxy.port })
  await Promise.all(AGENTS.map(agentId => fleet.isReady(agentId)))
  await fleet.waitForRecord(({ models }) => models.length > 0, { what: 'a first new version' })
  return { fleet, proxy }
}

/** From the middle of a training to a later round that was learned from. */
async function outage(
  { fleet, proxy }: Run,
  o: { readonly kill: () => unknown; readonly restart: () => unknown },
): Promise<void> {
  const { tap } = fleet
  const isTraining = await tap.waitFor('assignmentStatus', ({ body }) => body.phase === 'train', {
    ms: READY_MS,
    what: 'an agent trains',
    after: tap.all('assignmentStatus').length,
  })
  const kept = AGENTS.map(agentId => fleet.outboxBytes(agentId))
  proxy.refuse()
  const connects = tap.connection.connectCount
  await o.kill()
  await waitFor(
    () => AGENTS.every((agentId, index) => fleet.outboxBytes(agentId) > (kept[index] ?? 0)),
    { ms: 30_000, what: 'every agent has produced something while the broker was away' },
  )
  for (const agent of fleet.agents.values()) expect(agent.hasEnded).toBe(false)
  const records = fleet.records().length
  await o.restart()
  await tap.isConnected(connects + 1)
  proxy.accept()
  await fleet.waitForRecord(
    ({ crId, models }) => crId > isTraining.body.crId && models.length > 0,
    { what: 'a later round was learned from', after: records },
  )
}

/** No communication round has the number of another one, in whatever life of the controller. */
function expectIdsOnce({ tap }: TestFleet): void {
  const startsOf = new Map<number, Set<string>>()
  for (const { body } of tap.all('crClock')) {
    startsOf.set(body.crId, (startsOf.get(body.crId) ?? new Set()).add(body.startsAt))
  }
  for (const [crId, starts] of startsOf) {
    expect([...starts], `times at which round ${crId} starts`).toHaveLength(1)
  }
}

function heardStatuses({ tap }: TestFleet, agentId: string): string[] {
  const heard = tap
    .all('assignmentStatus')
    .filter(({ parameters, body }) => parameters.agentId === agentId && isEnd(body.status))
    .map(({ body: { crId, grId, part, status } }) => `${crId} ${grId} ${part} ${status}`)
  return [...new Set(heard)].sort()
}
