import { expect, test } from 'vitest'
import { CellWatch } from '../../../agent/sensors/serial/cell-watch.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

test('the answers of a modem add up, the newest one is right, and old ones are forgotten', async () => {
  const clock = new VirtualClock()
  const cell = new CellWatch(clock)
  expect(cell.figures()).toBeNull()
  cell.add({ source: '+QENG', technology: 'LTE', downlinkHz: 20e6, rssiDbm: -70, sinrDb: 16 })
  await clock.advance(20_000)
  cell.add({ source: '+CSQ', rssiDbm: -73 })
  const measuredAt = new Date(clock.now()).toISOString()
  expect(cell.figures()).toEqual({
    ...{ technology: 'LTE', downlinkHz: 20e6, rssiDbm: -73, sinrDb: 16, measuredAt },
  })
  await clock.advance(15_000)
  expect(cell.figures()).toEqual({ rssiDbm: -73, measuredAt })
  await clock.advance(30_000)
  expect(cell.figures()).toBeNull()
})
