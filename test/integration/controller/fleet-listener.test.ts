import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Fleet } from '../../../controller/fleet/fleet.ts'
import { listenToFleet } from '../../../controller/fleet/fleet-listener.ts'
import { BlobPublisher } from '../../../controller/transfer/blob-publisher.ts'
import { DeliveryLedger } from '../../../controller/transfer/delivery-ledger.ts'
import type { AssignmentStatus } from '../../../protocol/assignment.ts'
import { encodeBody } from '../../../protocol/body-codec.ts'
import type { Body } from '../../../protocol/messages.ts'
import { topicFor } from '../../../protocol/topics.ts'
import { startEmbedded } from '../../support/brokers.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { waitFor } from '../../support/wait-for.ts'
import { birthOf, stateOf } from '../../unit/fleet/fleet-messages.ts'
import { offerOf } from '../../unit/rounds/plans.ts'
import { CR_MS, CUT, startRunner } from '../../unit/rounds/runner-fixture.ts'
import { AGENT, CONTROLLER, startWire, USERS } from '../wire/wire-fixture.ts'

type Said = 'agentBirth' | 'agentState' | 'urp' | 'assignmentStatus'

const agentId = AGENT.username
const BLOB = new Uint8Array(1000).fill(7)
/** The record of round 2 waits in the control slot for what agents still say of their sensing. */
const RECORDED_MS = 2 * CR_MS + CUT.slotMs

/** An agent and a controller on one broker; what the agent says goes to a fleet and to rounds. */
async function startBoth() {
  const broker = await startEmbedded({ users: USERS })
  const agent = await startWire(broker.port, AGENT)
  const { wire, log, lines } = await startWire(broker.port, CONTROLLER)
  const directory = temporaryDirectory()
  const fleet = new Fleet()
  const rounds = await startRunner({ present: () => fleet.present.map(one => one.agentId) })
  const ledger = await DeliveryLedger.open({ path: join(directory, 'deliveries'), log })
  const blobs = await BlobPublisher.open({ wire, ledgerPath: join(directory, 'blobs.json'), log })
  onTestFinished(async () => {
    await blobs.stop()
    await ledger.close()
  })
  const { sha256 } = await blobs.publish(BLOB)
  const options = { wire, fleet, ledger, blobs, log }
  await listenToFleet({ ...options, runner: rounds.runner, blobsOf: () => [sha256] })
  const taken: number[] = []
  await agent.wire.on('taken', { agentId }, ({ messages }) => {
    taken.push(...messages.map(({ sequence }) => sequence))
  })
  const say = async <Name extends Said>(name: Name, body: Body<Name>): Promise<void> => {
    const topic = topicFor<Said>('home', name, { agentId })
    await agent.connection.publish(topic, encodeBody(name, body), { qos: 1, retain: false })
  }
  /** The agent in the life of this number. */
  const live = async (session: number): Promise<void> => {
    await say('agentBirth', birthOf(session))
    await say('agentState', stateOf(session, 'ready'))
    await waitFor(() => fleet.present.some(member => member.session === session), {
      what: `life ${session} is known`,
    })
  }
  /** It offers what it has for a round. */
  const offerFor = async (crId: number): Promise<void> => {
    await say('urp', { ...offerOf(), session: 1, crId })
    await waitFor(() => fleet.member(agentId)?.urp?.crId === crId, { what: `URP ${crId} is known` })
  }
  return { ...rounds, agent, fleet, lines, taken, live, say, offerFor }
}

function statusOf(sequence: number, o: Partial<AssignmentStatus>): AssignmentStatus {
  return {
    session: 1,
    sequence,
    sentAt: '2026-01-01T00:00:00.000Z',
    crId: 1,
    grId: 1,
    part: 'sense',
    modelId: 'prose',
    status: 'done',
    ...o,
  }
}

/** Into the second round, in which the agent consumes what it sensed in the first. */
async function consuming(both: Awaited<ReturnType<typeof startBoth>>): Promise<void> {
  const { live, say, offerFor, passTo, said } = both
  await live(1)
  await offerFor(1)
  await passTo(CR_MS - 1)
  await offerFor(2)
  await say('assignmentStatus', statusOf(1, { sampleCount: 50 }))
  await waitFor(() => both.runner.sensed.unsettled.length === 0, { what: 'its sensing is known' })
  await passTo(CR_MS + 100)
  expect(said).toContain(`${CR_MS} plan 2 on ${agentId} with ${agentId}`)
}

const failed = statusOf(2, {
  crId: 2,
  part: 'consume',
  status: 'failed',
  phase: 'download',
  reason: 'MODEL_CORRUPT: a blob',
})

test('a URP of an agent that is known brings it into the round', async () => {
  const { live, offerFor, passTo, said } = await startBoth()
  await live(1)
  await offerFor(1)
  await passTo(10)
  expect(said).toContain(`0 plan 1 on ${agentId} with `)
})

test('a will ends the wait for the agent, and what it owed is lost', async () => {
  const both = await startBoth()
  await consuming(both)
  await both.say('agentState', stateOf(1, 'lost', 'the connection broke'))
  await waitFor(() => both.lines.some(({ msg }) => msg === 'agent died'), { what: 'it is known' })
  await both.passTo(RECORDED_MS)
  expect(both.said.join('\n')).toContain(`record 2: ${agentId} lost`)
})

test('a new life without a death in between owes nothing of what the old one did', async () => {
  const both = await startBoth()
  await consuming(both)
  await both.live(2)
  await both.passTo(RECORDED_MS)
  expect(both.said.join('\n')).toContain(`record 2: ${agentId} lost`)
  expect(both.lines.some(({ msg }) => msg === 'agent died')).toBe(false)
})

test('a report that comes twice counts once, and is confirmed each time', async () => {
  const both = await startBoth()
  await consuming(both)
  for (let time = 0; time < 3; time++) await both.say('assignmentStatus', failed)
  await waitFor(() => both.taken.length >= 4, { what: 'all are confirmed' })
  expect(both.taken).toEqual([1, 2, 2, 2])
  await both.passTo(RECORDED_MS)
  expect(both.said.join('\n')).toContain(`record 2: ${agentId} failed`)
})

test('after a download that failed the blobs of the model are published again', async () => {
  const both = await startBoth()
  const blocks: number[] = []
  await both.agent.wire.onBytes('blobBlock', {}, bytes => void blocks.push(bytes.length))
  await waitFor(() => blocks.length === 1, { what: 'the retained block' })
  await consuming(both)
  await both.say('assignmentStatus', { ...failed, phase: 'train' })
  await both.say('assignmentStatus', { ...failed, sequence: 3 })
  await waitFor(() => blocks.length === 2, { what: 'the block once more' })
  expect(blocks).toEqual([BLOB.length, BLOB.length])
})
