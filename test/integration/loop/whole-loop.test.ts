import { describe, expect, onTestFinished, test } from 'vitest'
import type { PhaseInterval } from '../../../protocol/assignment.ts'
import { hashOf } from '../../../protocol/blocks.ts'
import { BrokerConnection } from '../../../protocol/broker-connection.ts'
import type { RoundRecord } from '../../../protocol/round-record.ts'
import { topicFor } from '../../../protocol/topics.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { BROKERS } from '../../support/brokers.ts'
import { CLOCK, passwordOf, SITE, TestFleet } from '../../support/fleet.ts'
import { expectHonestVersions, updatesSeen, weightedMean } from '../../support/learned.ts'
import { testLog } from '../../support/test-log.ts'
import { waitFor } from '../../support/wait-for.ts'
import type { Tapped } from '../../support/wire-tap.ts'

const AGENTS = ['pi-01', 'pi-02'] as const
const ROUNDS = 3
const RUN_MS = 60_000

describe.each(BROKERS)('on the $broker broker', ({ broker, isThere }) => {
  test.skipIf(!isThere)(
    'two agents measure, are matched, sense and train side by side, and their mean is published',
    async () => {
      const fleet = await TestFleet.start({
        broker,
        agents: AGENTS,
        controller: { rounds: { agentsMin: AGENTS.length, limit: ROUNDS } },
      })
      await expectStrangersKeptOut(fleet)
      await fleet.tap.waitFor('controllerState', ({ body }) => body.state === 'finished', {
        ms: RUN_MS,
        what: 'the controller has finished',
      })
      const records = fleet.records()
      // One more than GAI rounds: what was sensed in the last of them is consumed in the next CR.
      expect(records).toHaveLength(ROUNDS + 1)
      expectUrps(fleet)
      expectZeros(fleet, records)
      expectVersions(fleet, records)
      expectMeanOfTwo(fleet, records)
      await fleet.stop()
      expect(fleet.controller.lines.filter(({ level }) => level === 'error')).toEqual([])
    },
    RUN_MS * 2,
  )
})

/** Nobody comes in without a name, and an agent does not speak for another one. */
async function expectStrangersKeptOut({ tap, url }: TestFleet): Promise<void> {
  const options = { url, keepaliveSeconds: 30, log: testLog().log, random: seededRandom(1) }
  const nameless = new BrokerConnection({ ...options, clientId: 'nameless' })
  const [username, other] = AGENTS
  const agent = new BrokerConnection({
    ...options,
    clientId: `${username}:second`,
    username,
    password: passwordOf(username),
  })
  for (const connection of [nameless, agent]) {
    connection.start()
    onTestFinished(() => connection.stop())
  }
  await waitFor(() => nameless.status === 'refused', { what: 'the nameless client is refused' })
  await waitFor(() => agent.isConnected, { what: 'the second client of an agent is connected' })
  for (const agentId of [other, username]) {
    const topic = topicFor(SITE, 'probeUp', { agentId, probeId: 'forged', index: 0 })
    await agent.publish(topic, Buffer.from('forged'), { qos: 1, retain: false })
  }
  const isForged = ({ parameters }: Tapped<'probeUp'>): boolean => parameters.probeId === 'forged'
  await tap.waitFor('probeUp', isForged, { ms: 10_000, what: 'what the agent may say is heard' })
  const heard = tap.all('probeUp').filter(isForged)
  expect(heard.map(({ parameters }) => parameters.agentId)).toEqual([username])
}

/** Both agents have offered what they have, for rounds that came. */
function expectUrps({ tap }: TestFleet): void {
  const announced = new Set(tap.all('crClock').map(({ body }) => body.crId))
  for (const agentId of AGENTS) {
    const urps = tap.all('urp').filter(({ parameters }) => parameters.agentId === agentId)
    expect(urps.filter(({ body }) => announced.has(body.crId)).length).toBeGreaterThanOrEqual(2)
    for (const { body } of urps) {
      expect(body).toMatchObject({ slots: CLOCK.slots, slotMs: CLOCK.slotMs })
      expect(body.computing.availability.rows).toBe(CLOCK.slots)
    }
    // The link was measured by the time that the first rounds were over.
    expect(urps.at(-1)?.body.links[0]?.uplinkBitsPerSecond?.p50).toBeGreaterThan(0)
  }
}

/** Zeros: what was sensed in CR r is consumed in CR r + 1, beside the sensing for GR r + 1. */
function expectZeros({ tap }: TestFleet, records: readonly RoundRecord[]): void {
  const statuses = tap.all('assignmentStatus')
  for (const { body } of tap.all('assignment')) {
    if (body.sense) expect(body.sense.grId).toBe(body.crId)
    if (body.consume) expect(body.consume.grId).toBe(body.crId - 1)
  }
  // The last CR only consumes.
  const overlaps = records.slice(0, ROUNDS).flatMap(({ crId, contributions }) =>
    contributions.flatMap(({ agentId, grId, phases = [] }) => {
      const sensed = statuses.find(
        ({ parameters, body }) =>
          parameters.agentId === agentId &&
          body.part === 'sense' &&
          body.status === 'done' &&
          body.grId === crId,
      )?.body.interval
      if (!sensed || phases.length === 0) return []
      expect(grId).toBe(crId - 1)
      return [phases.reduce((sum, phase) => sum + overlapMs(phase, sensed), 0)]
    }),
  )
  expect(overlaps.length).toBeGreaterThan(0)
  for (const ms of overlaps) expect(ms).toBeGreaterThan(0)
  expect(records.some(({ overlapRatio = 0 }) => overlapRatio > 0)).toBe(true)
}

function overlapMs(a: PhaseInterval, b: PhaseInterval): number {
  const from = Math.max(Date.parse(a.startedAt), Date.parse(b.startedAt))
  return Math.max(0, Math.min(Date.parse(a.endedAt), Date.parse(b.endedAt)) - from)
}

/** Versions advance by one, and the blob that the last manifest names hashes to its version. */
function expectVersions(fleet: TestFleet, records: readonly RoundRecord[]): void {
  const { tap } = fleet
  const steps = records.flatMap(({ models }) => models)
  expect(steps.length).toBeGreaterThanOrEqual(2)
  for (const [index, step] of steps.entries()) {
    expect(step.versionNumber).toBe(index + 1)
    if (index > 0) expect(step.versionBefore).toBe(steps[index - 1]?.versionAfter)
  }
  const manifest = tap.last('modelManifest', { modelId: 'prose' })?.body
  expect(manifest?.version).toBe(steps.at(-1)?.versionAfter)
  expect(manifest?.parameters.sha256).toBe(manifest?.version)
  const block = tap.last('blobBlock', { sha256: manifest?.version ?? '', index: '0' })
  expect(hashOf(block?.bytes ?? new Uint8Array())).toBe(manifest?.version)
  expectHonestVersions(fleet, 'prose')
}

/** A version that both agents added to is just the mean of what the two sent. */
function expectMeanOfTwo({ tap }: TestFleet, records: readonly RoundRecord[]): void {
  const round = records.find(({ models }) => models[0]?.contributions === 2)
  const step = round?.models[0]
  expect(step, 'a version of two contributions').toBeDefined()
  const parts = updatesSeen(tap).filter(({ manifest }) => manifest.crId === round?.crId)
  expect(parts.map(({ agentId }) => agentId).sort()).toEqual([...AGENTS])
  for (const { manifest } of parts) expect(manifest.baseVersion).toBe(step?.versionBefore)
  expect(parts[0]?.manifest.sha256).not.toBe(parts[1]?.manifest.sha256)
  expect(hashOf(weightedMean(parts))).toBe(step?.versionAfter)
}
