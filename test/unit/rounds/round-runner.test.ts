import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { waitFor } from '../../support/wait-for.ts'
import { stored } from './round-events.ts'
import { CR_MS, CUT, LEAD_MS, planSerial, startRunner } from './runner-fixture.ts'

const { slotMs } = CUT

describe('the rounds of a run', () => {
  test('sense in one CR and consume in the next, and end when all is consumed', async () => {
    const { said, passTo, offer, sense, deliver } = await startRunner({ limit: 2 })
    offer(1, 'a', 'b')
    await passTo(CR_MS - 1)
    offer(2, 'a', 'b')
    await passTo(CR_MS + 20)
    sense(1, 'a', 'b')
    await passTo(2 * CR_MS - 1)
    deliver(2, 'a', 'b')
    offer(3, 'a', 'b')
    await passTo(2 * CR_MS + 20)
    sense(2, 'a')
    await passTo(2 * CR_MS + 30)
    sense(2, 'b')
    await passTo(3 * CR_MS - 1)
    deliver(3, 'a', 'b')
    await passTo(10 * CR_MS)
    expect(said).toEqual([
      `${-LEAD_MS} announce 1 from 0`,
      '0 plan 1 on a,b with ',
      '0 assign 2',
      `${CR_MS} announce 2 from ${CR_MS}`,
      // As soon as the last one has said what it sensed, which belongs in the record.
      `${CR_MS + 20} record 1: nothing`,
      `${CR_MS + 20} plan 2 on a,b with a,b`,
      `${CR_MS + 20} assign 2`,
      `${2 * CR_MS} average prose of a,b`,
      `${2 * CR_MS} announce 3 from ${2 * CR_MS}`,
      `${2 * CR_MS + 30} record 2: a aggregated, b aggregated`,
      `${2 * CR_MS + 30} plan 3 on a,b with a,b`,
      `${2 * CR_MS + 30} assign 2`,
      `${3 * CR_MS} average prose of a,b`,
      `${3 * CR_MS} record 3: a aggregated, b aggregated`,
      `${3 * CR_MS} finished`,
    ])
  })

  test('are over with the last of them where they are serial: nothing is left to consume', async () => {
    const { runner, clock, said, passTo, offer, sense } = await startRunner({
      limit: 1,
      schedule: 'serial',
      actions: { plan: planSerial },
    })
    offer(1, 'a')
    await passTo(CR_MS - 1)
    sense(1, 'a')
    runner.dispatch(stored('a', { crId: 1, grId: 1, atMs: clock.now() }))
    await passTo(5 * CR_MS)
    expect(said.slice(-3)).toEqual([
      `${CR_MS} average prose of a`,
      `${CR_MS} record 1: a aggregated`,
      `${CR_MS} finished`,
    ])
  })

  test('that are closed when the runner is stopped are still recorded', async () => {
    const { runner, said, passTo, offer } = await startRunner()
    offer(1, 'a', 'b')
    await passTo(CR_MS + 10)
    expect(said.some(line => line.includes('record'))).toBe(false)
    await runner.stop()
    expect(said.at(-1)).toBe(`${CR_MS + 10} record 1: nothing`)
  })

  test('begin on a grid of time from which no lateness moves them', async () => {
    const { clock, said } = await startRunner({ present: () => [] })
    for (let step = 0; step < 200; step++) {
      // The machine stands still now and then, for up to half a slot.
      clock.jump((step * 37) % (slotMs / 2))
      await clock.advance(100)
    }
    const starts = said.flatMap(line => /announce \d+ from (\d+)/.exec(line)?.[1] ?? []).map(Number)
    expect(starts.length).toBeGreaterThan(15)
    expect(starts).toEqual(starts.map((_, index) => index * CR_MS))
  })

  test('wait three quarters of the control slot for who does not report, and then go on', async () => {
    const waitMs = 0.75 * slotMs
    const { said, passTo, offer, sense } = await startRunner()
    offer(1, 'a')
    await passTo(waitMs - 1)
    expect(said.some(line => line.includes('plan'))).toBe(false)
    await passTo(CR_MS)
    expect(said).toContain(`${waitMs} plan 1 on a with `)
    // It senses, and never says what came of it.
    offer(2, 'a', 'b')
    await passTo(2 * CR_MS)
    expect(said).toContain(`${CR_MS + waitMs} plan 2 on a,b with `)
    sense(1, 'a')
    offer(3, 'a', 'b')
    await passTo(2 * CR_MS + waitMs)
    expect(said).toContain(`${2 * CR_MS + waitMs} plan 3 on a,b with `)
  })

  test('do not wait for the dead, and lose what they owed', async () => {
    const { runner, said, passTo, offer, sense, deliver } = await startRunner({
      present: () => ['a'],
    })
    offer(1, 'a', 'b')
    await passTo(CR_MS - 1)
    offer(2, 'a', 'b')
    sense(1, 'a', 'b')
    await passTo(CR_MS + slotMs)
    runner.onDied('b', 'its will')
    deliver(2, 'a')
    offer(3, 'a')
    sense(2, 'a')
    await passTo(2 * CR_MS)
    expect(said.slice(-5)).toEqual([
      `${2 * CR_MS} average prose of a`,
      `${2 * CR_MS} announce 3 from ${2 * CR_MS}`,
      `${2 * CR_MS} record 2: a aggregated, b lost`,
      `${2 * CR_MS} plan 3 on a with a`,
      `${2 * CR_MS} assign 1`,
    ])
  })

  test('answer an update that comes after its round, and never average it', async () => {
    const { said, passTo, offer, sense, deliver } = await startRunner()
    offer(1, 'a', 'b')
    await passTo(CR_MS - 1)
    sense(1, 'a', 'b')
    offer(2, 'a', 'b')
    await passTo(2 * CR_MS + 40)
    deliver(2, 'a')
    deliver(2, 'a')
    await passTo(3 * CR_MS)
    expect(said).toContain(`${2 * CR_MS + 0.75 * slotMs} record 2: a late, b late`)
    expect(said.filter(line => line.includes('tell'))).toEqual([
      `${2 * CR_MS + 40} tell a that it was 40 ms late`,
    ])
    expect(said.some(line => line.includes('average'))).toBe(false)
  })
})

describe('an average that is not made', () => {
  async function runWith(aggregate: () => Promise<void>) {
    const side = await startRunner({ actions: { aggregate } })
    const { passTo, offer, sense, deliver } = side
    offer(1, 'a', 'b')
    await passTo(CR_MS - 1)
    sense(1, 'a', 'b')
    offer(2, 'a', 'b')
    await passTo(2 * CR_MS - 1)
    deliver(2, 'a', 'b')
    sense(2, 'a', 'b')
    offer(3, 'a', 'b')
    await passTo(2 * CR_MS + slotMs)
    return side
  }

  test('in time does not hold up the next round', async () => {
    const { said } = await runWith(() => new Promise(() => {}))
    const overdue = 2 * CR_MS + 0.7 * slotMs
    expect(said.slice(-5)).toEqual([
      `${2 * CR_MS} average prose of a,b`,
      `${overdue} announce 3 from ${2 * CR_MS}`,
      `${overdue} record 2: a failed, b failed`,
      `${overdue} plan 3 on a,b with a,b`,
      `${overdue} assign 2`,
    ])
  })

  test('at all is a failure of its contributions, and said with the reason', async () => {
    const { said, lines } = await runWith(async () => {
      throw new Error('parameter 3 is NaN')
    })
    expect(said).toContain(`${2 * CR_MS} record 2: a failed, b failed`)
    expect(said.at(-1)).toBe(`${2 * CR_MS} assign 2`)
    expect(lines.find(({ msg }) => msg === 'aggregation failed')?.err).toMatchObject({
      message: 'parameter 3 is NaN',
    })
  })

  test('is asked for by a round that knows when it has gone on', async () => {
    const seen: boolean[] = []
    const side = await startRunner({
      actions: {
        aggregate: (_, __, round) => {
          seen.push(round?.isOverdue() ?? true)
          side.clock.at(side.clock.now() + slotMs, () => seen.push(round?.isOverdue() ?? false))
          return new Promise(() => {})
        },
      },
    })
    const { passTo, offer, sense, deliver } = side
    offer(1, 'a', 'b')
    await passTo(CR_MS - 1)
    sense(1, 'a', 'b')
    offer(2, 'a', 'b')
    await passTo(2 * CR_MS - 1)
    deliver(2, 'a')
    await passTo(2 * CR_MS + slotMs)
    expect(seen).toEqual([false, true])
  })
})

describe('rounds go on', () => {
  const plansIn = (said: readonly string[]): string[] =>
    said.flatMap(line => / plan (\d+)/.exec(line)?.[1] ?? [])

  test.each([
    [
      'planning',
      {
        plan: () => {
          throw new RangeError('no slot 4 of 4')
        },
      },
    ],
    ['the record', { record: () => Promise.reject(new Error('no space left on device')) }],
  ])('when %s fails', async (_, actions) => {
    const { said, passTo, lines } = await startRunner({ actions, present: () => [] })
    await passTo(4 * CR_MS)
    expect(plansIn(said)).toEqual(['1', '2', '3', '4', '5'])
    expect(lines.filter(({ msg }) => msg === 'round action failed').length).toBeGreaterThan(2)
  })

  test('when the disk takes no more ids', async () => {
    let folder = ''
    const { runner, said, clock } = await startRunner({
      // A folder of that name: no file can take its place.
      onOpened: directory => {
        folder = directory
        mkdirSync(join(directory, 'cr-counter.json', 'x'), { recursive: true })
      },
      present: () => [],
    })
    while (plansIn(said).length < 4) await clock.advance(100)
    expect(plansIn(said)).toEqual(['1', '2', '3', '4'])
    await runner.stop()
    const left = () => readdirSync(folder).join()
    await waitFor(() => left() === 'cr-counter.json', { what: 'the last try has failed' })
  })
})

test('with the part all its timers are stopped', async () => {
  const { runner, clock, said, passTo, offer } = await startRunner()
  offer(1, 'a')
  await passTo(100)
  await runner.stop()
  expect(clock.timerCount).toBe(0)
  const before = said.length
  await passTo(10 * CR_MS)
  expect(said).toHaveLength(before)
})
