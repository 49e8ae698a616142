import { describe, expect, test } from 'vitest'
import { ProbeSchedule } from '../../../agent/measure/schedule.ts'
import { hasCode } from '../../../runtime/errors.ts'
import { createLogger } from '../../../runtime/logger.ts'

const log = createLogger({ daemon: 'test', level: 'silent' })
const EVERY_SECOND = '* * * * * *'
const NEVER = '0 0 29 2 *'

function scheduleOf(expression: string, run: () => Promise<void>): ProbeSchedule {
  const job = { name: 'link', expression, configKey: 'measure.linkSchedule', run }
  return new ProbeSchedule({ jobs: [job], log })
}

describe('a schedule of probes', () => {
  test('runs a job when its time has come', async () => {
    const { promise, resolve } = waiting()
    const schedule = scheduleOf(EVERY_SECOND, async () => resolve())
    schedule.start()
    await promise
    await schedule.stop()
  })

  test('does not start a job that is still running', async () => {
    const { promise, resolve } = waiting()
    let started = 0
    const schedule = scheduleOf(NEVER, () => {
      started += 1
      return promise
    })
    const first = schedule.runNow('link')
    const second = schedule.runNow('link')
    expect(second).toBe(first)
    resolve()
    await first
    expect(started).toBe(1)
    await schedule.runNow('link')
    expect(started).toBe(2)
  })

  test('goes on after a job that failed', async () => {
    const schedule = scheduleOf(NEVER, async () => {
      throw new Error('no link')
    })
    await expect(schedule.runNow('link')).resolves.toBeUndefined()
  })

  test('waits for what runs when it stops, and may be stopped twice', async () => {
    const { promise, resolve } = waiting()
    let isDone = false
    const schedule = scheduleOf(NEVER, async () => {
      await promise
      isDone = true
    })
    schedule.start()
    void schedule.runNow('link')
    const stopped = schedule.stop()
    resolve()
    await stopped
    expect(isDone).toBe(true)
    await schedule.stop()
  })

  test('refuses an expression that is none and names the key', () => {
    const schedule = scheduleOf('every monday', async () => undefined)
    let thrown: unknown
    try {
      schedule.start()
    } catch (error) {
      thrown = error
    }
    expect(hasCode(thrown, 'CONFIG_INVALID') && thrown.message).toBe(
      "measure.linkSchedule: 'every monday' is not a schedule",
    )
  })
})

function waiting(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>(settle => {
    resolve = settle
  })
  return { promise, resolve }
}
