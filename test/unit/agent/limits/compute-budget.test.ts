import { expect, test } from 'vitest'
import { ComputeBudget } from '../../../../agent/limits/compute-budget.ts'
import { VirtualClock } from '../../../support/virtual-clock.ts'

function openBudget(share: number, slotsMs = 10_000) {
  const clock = new VirtualClock()
  const startsAtMs = clock.now()
  const budget = new ComputeBudget({ clock, share, startsAtMs, endsAtMs: startsAtMs + slotsMs })
  return { clock, budget, passedMs: () => clock.now() - startsAtMs }
}

test.each([
  ['100 ms of work at a share of 0.4', { cpuMs: 100, durationMs: 100, share: 0.4 }, 250],
  ['100 ms of work at half a core', { cpuMs: 100, durationMs: 100, share: 0.5 }, 200],
  ['work at a whole core', { cpuMs: 100, durationMs: 100, share: 1 }, 100],
  // Others had the core for most of the time: that was rest enough.
  ['10 ms of work that took 100', { cpuMs: 10, durationMs: 100, share: 0.5 }, 100],
  [
    '100 ms on each of two cores at a share of 1.5',
    { cpuMs: 200, durationMs: 100, share: 1.5 },
    133,
  ],
])('after %s (%o) the next chunk begins after %d ms', async (_, work, ms) => {
  const { clock, budget, passedMs } = openBudget(work.share)
  await clock.advance(work.durationMs)
  await clock.run(budget.rest(work.cpuMs / 1000))
  expect(passedMs()).toBeCloseTo(ms, -0.5)
})

test('late timers and messages between chunks do not add up', async () => {
  const { clock, budget, passedMs } = openBudget(0.5)
  for (let chunk = 0; chunk < 90; chunk++) {
    // Each chunk begins 7 ms late.
    await clock.advance(50 + 7)
    await clock.run(budget.rest(0.05))
  }
  expect(budget.usedSeconds / (passedMs() / 1000)).toBeCloseTo(0.5, 2)
})

test('what others took is made up for, but not a standstill of seconds', async () => {
  const { clock, budget, passedMs } = openBudget(0.5)
  await clock.advance(300)
  await clock.run(budget.rest(0.05))
  await clock.advance(50)
  await clock.run(budget.rest(0.05))
  // 100 ms of work are paid for after 200: it is behind and does not rest.
  expect(passedMs()).toBe(350)
  await clock.advance(5000)
  await clock.run(budget.rest(0.4))
  expect(passedMs()).toBe(350 + 5000 + 300)
})

test('a rest ends with the slots, and tells what is left of them', async () => {
  const { clock, budget, passedMs } = openBudget(0.01, 400)
  expect(budget.grantedSeconds).toBeCloseTo(0.004, 9)
  expect(budget.leftSeconds).toBeCloseTo(0.004, 9)
  await clock.run(budget.rest(0.1))
  expect(passedMs()).toBe(400)
  expect(budget.leftSeconds).toBe(0)
})

test('the end of a round ends a rest', async () => {
  const { clock, budget } = openBudget(0.1)
  const abort = new AbortController()
  const resting = budget.rest(0.1, abort.signal)
  abort.abort(new Error('the communication round is over'))
  await expect(resting).rejects.toThrow('the communication round is over')
  expect(clock.timerCount).toBe(0)
})
