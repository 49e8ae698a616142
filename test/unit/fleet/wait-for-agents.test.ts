import { expect, test } from 'vitest'
import { Fleet } from '../../../controller/fleet/fleet.ts'
import { waitForAgents } from '../../../controller/fleet/wait-for-agents.ts'
import { testLog } from '../../support/test-log.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { birthOf, stateOf } from './fleet-messages.ts'

function waiting(agentsMin: number) {
  const [fleet, clock, abort] = [new Fleet(), new VirtualClock(), new AbortController()]
  const { log, lines } = testLog()
  const { signal } = abort
  const waited = waitForAgents({ fleet, agentsMin, waitSeconds: 20, clock, signal, log })
  const startedAt = clock.now()
  const ready = (agentId: string): void => {
    fleet.onBirth(agentId, birthOf(1))
    fleet.onState(agentId, stateOf(1, 'ready'))
  }
  return { clock, abort, lines, waited, ready, passedMs: () => clock.now() - startedAt }
}

test('the rounds begin as soon as enough agents are ready', async () => {
  const { clock, waited, ready, passedMs, lines } = waiting(2)
  ready('a')
  await clock.advance(3000)
  ready('b')
  await clock.run(waited)
  expect(passedMs()).toBeLessThanOrEqual(3200)
  expect(lines).toMatchObject([{ msg: 'waiting for agents', ready: 0, agentsMin: 2 }])
})

test('after the time they begin with those that are there, which is said', async () => {
  const { clock, waited, ready, passedMs, lines } = waiting(3)
  ready('a')
  await clock.run(waited)
  expect(passedMs()).toBe(20_000)
  expect(lines.map(({ msg }) => msg)).toEqual([
    ...new Array(4).fill('waiting for agents'),
    'starting with fewer agents',
  ])
  expect(lines.at(-1)).toMatchObject({ ready: 1, agentsMin: 3, waitSeconds: 20 })
})

test('a stop ends the wait', async () => {
  const { abort, waited, clock } = waiting(1)
  abort.abort(new Error('the controller stops'))
  await expect(waited).rejects.toThrow('the controller stops')
  expect(clock.timerCount).toBe(0)
})
