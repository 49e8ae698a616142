import { expect, test } from 'vitest'
import { MESSAGES, type MessageName } from '../../../protocol/messages.ts'
import { SITE, TestFleet } from '../../support/fleet.ts'
import { expectHonestVersions } from '../../support/learned.ts'
import { everyTopic, hugeRubbish, rubbish } from '../../support/rubbish.ts'
import { waitFor } from '../../support/wait-for.ts'

const AGENTS = ['pi-01', 'pi-02'] as const
const SEED = 20_261
/** Rows with a schema that an agent listens to. */
const HEARD_BY_AGENT = (Object.keys(MESSAGES) as MessageName[]).filter(name => {
  const { writer, schema } = MESSAGES[name]
  return writer === 'controller' && schema !== null && name !== 'roundRecord'
})

test('rubbish on every topic kills nobody, stops nothing and is counted', async () => {
  const fleet = await TestFleet.start({ broker: 'embedded', agents: AGENTS })
  const { tap } = fleet
  await fleet.waitForRecord(({ models }) => models.length > 0, { what: 'a first new version' })
  await publishRubbish(fleet)
  const before = fleet.records().length
  for (const agentId of AGENTS) {
    await fleet.waitForRecord(
      ({ contributions }) =>
        contributions.some(one => one.agentId === agentId && one.outcome === 'aggregated'),
      { what: `${agentId} has contributed after the rubbish`, after: before + 1 },
    )
    const [first] = AGENTS
    const ofOne = HEARD_BY_AGENT.filter(name => agentId === first || !isOfAgent(name))
    // Every piece that reached it, and the huge one on each of those topics.
    const expected = ofOne.length * (rubbish(SEED).length + 1)
    await waitFor(
      () => (tap.last('agentHealth', { agentId })?.body.rejectedMessages ?? 0) >= expected,
      { ms: 10_000, what: `${agentId} has counted ${expected} rejected messages` },
    )
  }
  for (const daemon of [fleet.controller, ...fleet.agents.values()]) {
    expect(daemon.hasEnded).toBe(false)
    expect(daemon.lines.filter(({ msg }) => msg === 'message rejected').length).toBeGreaterThan(0)
    expect(daemon.lines.filter(({ msg }) => msg === 'handler failed')).toEqual([])
    // What it says of rubbish does not grow with the rubbish.
    const longest = Math.max(...daemon.lines.map(line => JSON.stringify(line).length))
    expect(longest).toBeLessThan(4096)
  }
  expectHonestVersions(fleet, 'prose')
  await fleet.stop()
}, 180_000)

/** On the topics of the first agent, of the whole fleet, and of an agent that does not exist. */
async function publishRubbish({ tap }: TestFleet): Promise<void> {
  const { body } = tap.last('modelManifest') ?? {}
  const parameters = {
    modelId: 'prose',
    sha256: body?.version ?? '',
    grId: String(tap.last('crClock')?.body.crId ?? 1),
    crId: '1',
    index: '0',
    probeId: '0',
  }
  for (const agentId of [AGENTS[0], 'nobody']) {
    const topics = everyTopic(SITE, { ...parameters, agentId })
    const pieces = agentId === 'nobody' ? rubbish(SEED) : [...rubbish(SEED), hugeRubbish()]
    for (const { bytes } of pieces) {
      await Promise.all(
        topics.map(({ topic, retain }) => tap.publish(topic, bytes, { qos: 1, retain })),
      )
    }
  }
}

function isOfAgent(name: MessageName): boolean {
  return MESSAGES[name].topic.startsWith('agent/')
}
