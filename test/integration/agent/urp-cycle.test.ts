import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { CostLedger } from '../../../agent/cost/cost-ledger.ts'
import type { CrSchedule } from '../../../agent/cr-schedule.ts'
import { UrpCycle } from '../../../agent/urp-cycle.ts'
import { cellOf } from '../../../protocol/matrix.ts'
import type { Urp } from '../../../protocol/urp.ts'
import { startEmbedded } from '../../support/brokers.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { waitFor } from '../../support/wait-for.ts'
import { AGENT, CONTROLLER, startWire, USERS } from '../wire/wire-fixture.ts'

const CUT = { slots: 4, slotMs: 500 }
const CR_MS = CUT.slots * CUT.slotMs
const OFFSET_MS = 10_000
const CLOCK_FIGURES = { offsetMs: OFFSET_MS, errorMs: 1, measuredAt: '2026-01-01T00:00:00.000Z' }
const AT = '2026-01-01T00:00:00.000Z'

const rate = {
  units: ['cpu0'],
  measuredUnit: 'cpu0',
  trainingFlopsPerSecond: 4e9,
  peakFlopsPerSecond: 5e9,
  sustainedFactor: 0.8,
  gemmFlopsPerSecond: 9e9,
}
const compute = {
  status: 'ok',
  values: { runtime: 'native', classes: [rate], before: {}, after: {} },
  figures: [],
  method: 'training steps',
  measuredAt: AT,
  durationMs: 1,
} as const

/** A cycle on a board with one core, whose load the test decides slot by slot. */
async function startCycle() {
  const broker = await startEmbedded({ users: USERS })
  const { wire } = await startWire(broker.port, AGENT)
  const reader = await startWire(broker.port, CONTROLLER)
  const urps: Urp[] = []
  await reader.wire.on('urp', {}, urp => void urps.push(urp))
  const procRoot = temporaryDirectory()
  mkdirSync(join(procRoot, 'net'))
  const ticks = { user: 0, idle: 0 }
  const work = (busyShare: number): void => {
    ticks.user += 100 * busyShare
    ticks.idle += 100 * (1 - busyShare)
    writeFileSync(join(procRoot, 'stat'), `cpu0 ${ticks.user} 0 0 ${ticks.idle} 0 0 0 0 0 0\n`)
  }
  work(0)
  const clock = new VirtualClock()
  const cycle = new UrpCycle({
    agentId: AGENT.username,
    link: 'edge',
    procRoot,
    sysRoot: procRoot,
    units: () => ['cpu0'],
    computingShareMax: () => 0.9,
    computingShareReserved: 0,
    limits: { threads: 1, memoryBytes: 1e9 },
    forecast: { quantile: 0.5, roundsMax: 8 },
    wire,
    clock,
    offsetMs: () => OFFSET_MS,
    clockFigures: () => CLOCK_FIGURES,
    cost: new CostLedger({ clock }),
    results: () => ({ compute }),
    linkFigures: () => undefined,
    sensing: () => [],
    radioPools: { forRound: () => [], isThere: () => false },
    log: testLog().log,
  })
  onTestFinished(() => cycle.stop())
  /** Slot after slot, busy as the list says, over and over. */
  const passSlots = async (count: number, busyShares: readonly number[]): Promise<void> => {
    for (let slot = 0; slot < count; slot++) {
      await clock.advance(CUT.slotMs - 1)
      work(busyShares[slot % busyShares.length] ?? 0)
      await clock.advance(1)
    }
  }
  const heard = (count: number) =>
    waitFor(() => urps.length >= count, { what: `${count} URPs, there are ${urps.length}` })
  const roundFrom = (ms: number): CrSchedule => ({ crId: 7, startsAtMs: clock.now() + ms, ...CUT })
  return { cycle, clock, urps, passSlots, heard, roundFrom }
}

test('each round is described half a slot ahead, on what its slots were like before', async () => {
  const { cycle, clock, urps, passSlots, heard, roundFrom } = await startCycle()
  const announced = roundFrom(2 * CUT.slotMs)
  await cycle.follow(announced)
  await clock.advance(1.5 * CUT.slotMs - 1)
  expect(urps).toEqual([])
  await clock.advance(1)
  await heard(1)
  await clock.advance(0.5 * CUT.slotMs)
  const busy = [0, 0.25, 0.5, 0.75]
  await passSlots(4 * CUT.slots, busy)
  await heard(5)
  expect(urps.map(({ crId }) => crId)).toEqual([7, 8, 9, 10, 11])
  for (const [index, urp] of urps.entries()) {
    const endsAtMs = announced.startsAtMs + OFFSET_MS + (index + 1) * CR_MS
    expect(urp).toMatchObject({ ...CUT, validUntil: new Date(endsAtMs).toISOString() })
    // Before the first round there was nothing to see: no tick had passed.
    expect(urp.computing.units).toHaveLength(index === 0 ? 0 : 1)
  }
  const { availability } = urps[4]?.computing ?? {}
  const forecast = busy.map((_, slot) => availability && cellOf(availability, slot, 0))
  // The owner gives 0.9 at most. The last slot had been over in three rounds only.
  expect(forecast.map(share => Math.round((share ?? 0) * 100) / 100)).toEqual([
    0.9, 0.75, 0.5, 0.25,
  ])
  expect(urps[4]?.provenance['computing.availability']?.forecastErrorMean).toBeLessThan(0.3)
  expect(urps[4]?.provenance['computing.availability']?.forecasts).toMatchObject([
    { row: 'cpu0', n: expect.any(Number), coverage80: expect.any(Number) },
  ])
})

test('a start that is corrected by some milliseconds is the same round once more', async () => {
  const { cycle, clock, urps, passSlots, heard, roundFrom } = await startCycle()
  const announced = roundFrom(CUT.slotMs)
  await cycle.follow(announced)
  await clock.advance(CUT.slotMs)
  for (const shiftMs of [3, -2, 5]) {
    await cycle.follow({ ...announced, startsAtMs: announced.startsAtMs + shiftMs })
  }
  await passSlots(CUT.slots, [0])
  await clock.advance(10)
  await heard(2)
  expect(urps.map(({ crId }) => crId)).toEqual([7, 8])
})

test('another cut of the round is followed from then on', async () => {
  const { cycle, clock, urps, heard, roundFrom } = await startCycle()
  await cycle.follow(roundFrom(CUT.slotMs))
  await clock.advance(CUT.slotMs)
  const other = { crId: 101, startsAtMs: clock.now() + 1000, slots: 8, slotMs: 100 }
  await cycle.follow(other)
  await clock.advance(1000)
  await heard(2)
  expect(urps.at(-1)).toMatchObject({ crId: 101, slots: 8, slotMs: 100 })
  expect(urps.at(-1)?.computing.availability.rows).toBe(8)
})

test('with the part its timers are stopped, in the middle of its first look too', async () => {
  const { cycle, clock, urps, roundFrom } = await startCycle()
  const following = cycle.follow(roundFrom(CUT.slotMs))
  await cycle.stop()
  await following
  await clock.advance(10 * CR_MS)
  expect(clock.timerCount).toBe(0)
  expect(urps).toEqual([])
})
