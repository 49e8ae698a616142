import { expect, test } from 'vitest'
import { READY_MS, TestFleet } from '../../support/fleet.ts'
import { expectHonestVersions } from '../../support/learned.ts'
import { waitFor } from '../../support/wait-for.ts'

const [VICTIM, OTHER] = ['pi-01', 'pi-02'] as const

test('an agent killed in mid-training is lost to its round only, and serves again when it is back', async () => {
  const fleet = await TestFleet.start({ broker: 'embedded', agents: [VICTIM, OTHER] })
  const { tap } = fleet
  const training = await tap.waitFor(
    'assignmentStatus',
    ({ parameters, body }) => parameters.agentId === VICTIM && body.phase === 'train',
    { ms: READY_MS, what: `${VICTIM} trains` },
  )
  const { crId, grId, session } = training.body
  const victim = fleet.agent(VICTIM)
  const trainers = fleet.childrenOf(victim).map(({ pid }) => pid)
  expect(trainers.length).toBeGreaterThan(0)
  await victim.kill()
  await waitFor(() => !fleet.processes().some(({ pid }) => trainers.includes(pid)), {
    ms: 5000,
    what: 'its trainer has ended',
  })
  const will = await tap.waitFor(
    'agentState',
    ({ parameters, body }) => parameters.agentId === VICTIM && body.state === 'lost',
    { ms: 10_000, what: 'its will was published' },
  )
  expect(will.body.session).toBe(session)

  const round = await fleet.waitForRecord(record => record.crId === crId, {
    what: `the record of round ${crId}`,
  })
  const contribution = round.contributions.find(({ agentId }) => agentId === VICTIM)
  expect(contribution).toMatchObject({ grId, outcome: 'lost', modelId: 'prose' })
  expect(round.models.every(({ contributions }) => contributions === 1)).toBe(true)

  fleet.startAgent(VICTIM)
  await waitFor(() => (fleet.sessionOf(VICTIM) ?? 0) > session, {
    ms: READY_MS,
    what: 'the session number has grown',
  })
  await fleet.isReady(VICTIM)
  // The will of the life before, as a broker that noticed the loss late would publish it.
  await tap.publish(will.topic, will.bytes, { qos: 1, retain: true })
  const back = await fleet.waitForRecord(
    ({ contributions }) =>
      contributions.some(({ agentId, outcome }) => agentId === VICTIM && outcome === 'aggregated'),
    { what: `${VICTIM} has contributed again`, after: fleet.records().length },
  )
  expect(back.crId).toBeGreaterThan(crId)
  const deaths = fleet.controller.lines.filter(({ msg }) => msg === 'agent died')
  expect(deaths.map(({ agentId }) => agentId)).toEqual([VICTIM])
  expectHonestVersions(fleet, 'prose')
  await fleet.stop()
}, 180_000)
