import { expect, test } from 'vitest'
import { ClockSync } from '../../../../agent/clock/clock-sync.ts'
import { CostLedger } from '../../../../agent/cost/cost-ledger.ts'
import { ClockFigures } from '../../../../protocol/urp.ts'
import { testLog } from '../../../support/test-log.ts'
import { VirtualClock } from '../../../support/virtual-clock.ts'

const AHEAD_MS = 7_200_000

/** An agent whose date is a matter of its own, and a controller two hours ahead of its clock. */
function startBoth({ rttMs = 1 } = {}) {
  const clock = new VirtualClock()
  const cost = new CostLedger({ clock })
  const date = { aheadMs: 0 }
  const controller = { aheadMs: AHEAD_MS, asked: 0, isAway: false }
  const sync = new ClockSync({
    peer: {
      exchangeClock: async () => {
        controller.asked += 1
        if (controller.isAway) throw new Error('nobody there')
        return { rttMs, offsetMs: controller.aheadMs, session: 1 }
      },
    },
    clock,
    wallMs: () => clock.now() + date.aheadMs,
    cost,
    log: testLog().log,
  })
  return { sync, clock, date, controller, cost }
}

const settled = () => new Promise(resolve => setImmediate(resolve))

test('a good exchange is enough, bad ones are repeated three times', async () => {
  const near = startBoth({ rttMs: 1 })
  await near.sync.refresh()
  expect(near.controller.asked).toBe(1)
  const far = startBoth({ rttMs: 80 })
  await far.sync.refresh()
  expect(far.controller.asked).toBe(4)
})

test('what is told has a bound and an age, and its bytes are counted', async () => {
  const { sync, clock, cost } = startBoth({ rttMs: 3 })
  expect(sync.figures).toBeUndefined()
  expect(sync.offsetMs).toBe(0)
  const measuredAt = new Date(clock.now()).toISOString()
  await sync.refresh()
  await clock.advance(30_000)
  expect(ClockFigures.parse(sync.figures)).toEqual({
    offsetMs: AHEAD_MS,
    errorMs: expect.closeTo(1.5 + 3, 1),
    measuredAt,
  })
  expect(cost.report.parts.clock).toMatchObject({ runs: 1 })
  expect(cost.report.parts.clock?.sentBytes).toBeGreaterThan(50)
})

test('a date that is set changes nothing, and the clock is asked again', async () => {
  const { sync, date, controller } = startBoth()
  const corrected: number[] = []
  sync.onCorrected(() => void corrected.push(sync.offsetMs))
  await sync.refresh()
  date.aheadMs = Date.parse('2026-01-01')
  sync.check()
  await settled()
  expect(controller.asked).toBe(2)
  expect(corrected).toEqual([AHEAD_MS])
  expect(sync.figures?.errorMs).toBeLessThan(1)
})

test('after a sleep the offset is measured anew before anybody plans on it', async () => {
  const { sync, date, controller } = startBoth()
  const corrected: number[] = []
  sync.onCorrected(() => void corrected.push(sync.offsetMs))
  await sync.refresh()
  // Our clock stood still for a minute, the date and the controller's did not.
  date.aheadMs += 60_000
  controller.aheadMs += 60_000
  sync.check()
  await settled()
  expect(corrected).toEqual([AHEAD_MS + 60_000])
})

test('with nobody to ask after a jump the bound says so', async () => {
  const { sync, date, controller } = startBoth()
  await sync.refresh()
  controller.isAway = true
  date.aheadMs += 60_000
  sync.check()
  await settled()
  expect(sync.figures?.errorMs).toBeGreaterThan(60_000)
  expect(sync.offsetMs).toBe(AHEAD_MS)
})
