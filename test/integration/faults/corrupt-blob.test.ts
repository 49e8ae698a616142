import { expect, test } from 'vitest'
import { READY_MS, TestFleet } from '../../support/fleet.ts'
import { expectHonestVersions } from '../../support/learned.ts'

const AGENTS = ['pi-01', 'pi-02'] as const

test('a model with a flipped bit is refused by every agent, published again, and then trained', async () => {
  const fleet = await TestFleet.prepare({ broker: 'embedded', agents: AGENTS })
  fleet.startController()
  await fleet.connectTap()
  const { tap } = fleet
  const manifest = await tap.waitFor('modelManifest', () => true, {
    ms: READY_MS,
    what: 'the first manifest',
  })
  const { version } = manifest.body
  const block = await tap.waitFor('blobBlock', ({ parameters }) => parameters.sha256 === version, {
    ms: READY_MS,
    what: 'the first parameters',
  })
  const damaged = Buffer.from(block.bytes)
  damaged[1000] = (damaged[1000] ?? 0) ^ 0b100
  await tap.publish(block.topic, damaged, { qos: 1, retain: true })
  for (const agentId of AGENTS) fleet.startAgent(agentId)

  const corrupt = await tap.waitFor('assignmentStatus', ({ body }) => body.status === 'failed', {
    ms: READY_MS,
    what: 'an agent has refused the damaged model',
  })
  expect(corrupt.body).toMatchObject({ part: 'consume', phase: 'download' })
  expect(corrupt.body.reason).toMatch(/^MODEL_CORRUPT: .*3 times/)
  const repaired = await tap.waitFor(
    'blobBlock',
    ({ topic, bytes }) => topic === block.topic && Buffer.compare(bytes, block.bytes) === 0,
    { ms: 10_000, what: 'the parameters are published again', after: indexAfterDamage() },
  )
  expect(repaired.topic).toBe(block.topic)
  const refusing = await fleet.waitForRecord(({ crId }) => crId === corrupt.body.crId, {
    what: 'the record of the round with the damaged model',
  })
  expect(refusing.contributions.map(({ outcome }) => outcome)).not.toContain('lost')

  const round = await fleet.waitForRecord(({ models }) => models.length > 0, {
    what: 'a round was learned from',
  })
  expect(round.models[0]).toMatchObject({ modelId: 'prose', versionBefore: version })
  const trained = tap
    .all('updateManifest')
    .filter(({ parameters }) => parameters.agentId === corrupt.parameters.agentId)
  expect(trained.map(({ body }) => body.crId)).not.toContain(corrupt.body.crId)
  expectHonestVersions(fleet, 'prose')
  await fleet.stop()

  function indexAfterDamage(): number {
    const at = tap.all('blobBlock').findIndex(({ bytes }) => Buffer.compare(bytes, damaged) === 0)
    expect(at).toBeGreaterThanOrEqual(0)
    return at
  }
}, 180_000)
