import { expect, test } from 'vitest'
import { systemClock, until } from '../../../runtime/clock.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

test('the system clock is the wall time and never calls back early', async () => {
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000)
  for (const ms of [-5, 0, 0.4, 1, 3.7, 12]) {
    const timeMs = systemClock.now() + ms
    await until(systemClock, timeMs)
    expect(systemClock.now()).toBeGreaterThanOrEqual(timeMs)
  }
})

test('a time further away than setTimeout can count is not reached at once', async () => {
  const calls: string[] = []
  const far = systemClock.at(systemClock.now() + 2 ** 31 + 1000, () => calls.push('far'))
  await until(systemClock, systemClock.now() + 5)
  far.cancel()
  expect(calls).toEqual([])
})

test('a cancelled timer does not call back', async () => {
  const calls: string[] = []
  systemClock.at(systemClock.now() + 1, () => calls.push('cancelled')).cancel()
  await until(systemClock, systemClock.now() + 5)
  expect(calls).toEqual([])
})

test('a wait that is aborted rejects with the reason and leaves no timer behind', async () => {
  const clock = new VirtualClock()
  const abort = new AbortController()
  const waiting = until(clock, clock.now() + 1000, abort.signal)
  expect(clock.timerCount).toBe(1)
  abort.abort(new Error('the agent stops'))
  await expect(waiting).rejects.toThrow('the agent stops')
  expect(clock.timerCount).toBe(0)
  await expect(until(clock, clock.now(), abort.signal)).rejects.toThrow('the agent stops')
  expect(clock.timerCount).toBe(0)
})

test('an abort after the end of a wait changes nothing', async () => {
  const clock = new VirtualClock()
  const abort = new AbortController()
  await clock.run(until(clock, clock.now() + 10, abort.signal))
  abort.abort(new Error('too late'))
})
