import { expect, test } from 'vitest'
import { TestFleet } from '../../support/fleet.ts'

/** Slots enough for all parts of a round one after the other, on a machine that does other things. */
const CLOCK = { slots: 8, slotMs: 500 } as const
const RUN_MS = 90_000

test('a serial round senses, downloads, trains and uploads in one CR, part after part', async () => {
  const fleet = await TestFleet.start({
    broker: 'embedded',
    agents: ['pi-01'],
    controller: { schedule: 'serial', clock: CLOCK },
  })
  const record = await fleet.waitForRecord(
    ({ contributions }) => contributions.some(({ outcome }) => outcome === 'aggregated'),
    { ms: RUN_MS, what: 'a serial round is aggregated' },
  )
  expect(record).toMatchObject({ schedule: 'serial', overlapRatio: 0 })
  const [contribution] = record.contributions
  expect(contribution?.grId).toBe(record.crId)
  const [sensing] = record.sensing ?? []
  expect(sensing).toMatchObject({ agentId: 'pi-01', modelId: 'prose' })
  const phases = [sensing?.interval, ...(contribution?.phases ?? [])]
  expect(phases.map(one => one?.phase)).toEqual(['sense', 'download', 'train', 'upload'])
  const edges = phases.flatMap(one => [one?.startedAt ?? '', one?.endedAt ?? ''])
  expect(edges).toEqual([...edges].sort())
  await fleet.stop()
}, 120_000)
