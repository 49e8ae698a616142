import { median } from 'simple-statistics'
import { AgentConfig } from '../../config/agent-schema.ts'
import type { LinkFigures } from '../../protocol/urp.ts'
import type { BenchResult, BenchRow } from '../bench-report.ts'
import { TCP_PAYLOAD_SHARE } from '../lab/wire.ts'
import { LinkFleet } from './link-fleet.ts'

/**
 * Rounds are so much shorter than by default, and what measuring may spend in a time so much more: in
 * each round the same happens as in a round of 30 s, and a minute is as good as ten.
 */
const SCALE = 10
const CLOCK = { slots: 10, slotMs: 300 }
const { measure: DEFAULTS } = AgentConfig.parse({ agentId: 'board', stateDirectory: '.' })
const BUDGET = {
  linkBytesPerDayMax: SCALE * DEFAULTS.linkBytesPerDayMax,
  linkCapacityShareMax: SCALE * DEFAULTS.linkCapacityShareMax,
}
const BITS_PER_SECOND = 10e6
/** How near to its truth a figure tells that it is of the new rate and not of the old one. */
const NEAR = 0.2
const SETTLE_MS_MAX = 90_000
const ROUNDS_MAX = 20
const CHANGE_MS_MAX = 2 * ROUNDS_MAX * CLOCK.slots * CLOCK.slotMs
/** At rest, for what measuring spends in a round in which nothing changes. */
const REST_ROUNDS = { full: 30, quick: 5 }
const CHANGES = { full: [0.5, 1, 2, 1, 0.5, 1], quick: [0.5, 1, 0.5] }
const ROUNDS_PER_HOUR = 120

/** Bytes that the agent's own schedule spends, and how soon it sees that a rate has changed. */
export async function measureWatch({ quick }: { readonly quick: boolean }): Promise<BenchResult> {
  const kind = quick ? 'quick' : 'full'
  const fleet = await LinkFleet.start({ name: 'watch', clock: CLOCK, agent: { measure: BUDGET } })
  try {
    await setRate(fleet, 1)
    await fleet.urp((_, link) => isNear(link, 1), {
      ms: SETTLE_MS_MAX,
      what: 'the rate is in the URP',
    })
    const bytes = await bytesRow(fleet, REST_ROUNDS[kind])
    const changes: number[] = []
    for (const factor of CHANGES[kind]) changes.push(await roundsUntilSeen(fleet, factor))
    return {
      rows: [
        bytes,
        {
          name: 'change.detect',
          value: median(changes),
          unit: 'rounds',
          low: Math.min(...changes),
          high: Math.max(...changes),
          n: changes.length,
        },
      ],
      notes: [
        `change.detect: from the round in which both directions change by a factor of 2 to the first for which the URP says the new rate within ${NEAR * 100} %; one that is never seen counts ${ROUNDS_MAX}`,
        `bytes.share: an hour of ${ROUNDS_PER_HOUR} rounds with one measurement at its start, at ${BITS_PER_SECOND / 1e6} Mbit/s each way; rounds and budgets are those of the default, ${SCALE} times as fast`,
      ],
    }
  } finally {
    await fleet.stop()
  }
}

/** What the first measurement took and an hour's worth of rounds, over what an hour carries. */
async function bytesRow(fleet: LinkFleet, rounds: number): Promise<BenchRow> {
  const first = await nextUrp(fleet, fleet.crId + 1)
  const last = await nextUrp(fleet, first.crId + rounds)
  const perRound = ((last.bytesSpent ?? 0) - (first.bytesSpent ?? 0)) / (last.crId - first.crId)
  const spent = (first.bytesSpent ?? 0) + perRound * ROUNDS_PER_HOUR
  const carried = (2 * BITS_PER_SECOND * 3600) / 8
  return {
    name: 'bytes.share',
    value: Number((spent / carried).toPrecision(3)),
    unit: 'of 1',
    n: last.crId - first.crId,
  }
}

/** A change that is not seen in `ROUNDS_MAX` counts as so many. */
async function roundsUntilSeen(fleet: LinkFleet, factor: number): Promise<number> {
  const after = fleet.heard.length
  const changedIn = fleet.crId
  await setRate(fleet, factor)
  const { crId } = await fleet.urp(
    (urp, link) => isNear(link, factor) || urp.crId >= changedIn + ROUNDS_MAX,
    { ms: CHANGE_MS_MAX, what: `the URP says ${factor} of the rate`, after },
  )
  // So that the next change meets figures that have come to rest.
  await nextUrp(fleet, fleet.crId + 3)
  return crId - changedIn
}

function nextUrp(fleet: LinkFleet, crIdMin: number) {
  return fleet.urp(({ crId }) => crId >= crIdMin, {
    ms: 60_000 + CHANGE_MS_MAX * crIdMin,
    what: `a URP for round ${crIdMin}`,
  })
}

async function setRate(fleet: LinkFleet, factor: number): Promise<void> {
  const path = { bitsPerSecond: BITS_PER_SECOND * factor, delayMs: 10 }
  await fleet.wire.shape({ up: path, down: path })
}

function isNear(link: LinkFigures, factor: number): boolean {
  const truth = BITS_PER_SECOND * factor * TCP_PAYLOAD_SHARE
  return [link.downlinkBitsPerSecond?.p50, link.uplinkBitsPerSecond?.p50].every(
    rate => rate !== undefined && Math.abs(rate / truth - 1) < NEAR,
  )
}
