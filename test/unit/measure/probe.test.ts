import { describe, expect, test } from 'vitest'
import { type Probe, runProbe } from '../../../agent/measure/probe.ts'
import { createLogger } from '../../../runtime/logger.ts'

const context = {
  roots: { procRoot: '/proc', sysRoot: '/sys' },
  log: createLogger({ daemon: 'test', level: 'silent' }),
}

function probeThat(read: Probe<number>['read'], durationMsMax = 1000): Probe<number> {
  return { name: 'example', durationMsMax, read }
}

describe('a probe that is run', () => {
  test('has its reading, the time it took and when it was complete', async () => {
    const reading = { status: 'ok' as const, values: 7, figures: [], method: 'counted' }
    const result = await runProbe(
      probeThat(async () => reading),
      context,
    )
    expect(result).toMatchObject(reading)
    expect(result.durationMs).toBeGreaterThanOrEqual(0)
    expect(new Date(result.measuredAt).toISOString()).toBe(result.measuredAt)
  })

  test('is absent, and not failed, where the board does not have the part', async () => {
    const result = await runProbe(
      probeThat(async () => ({ status: 'absent', reason: 'no such zone' })),
      context,
    )
    expect(result).toMatchObject({ status: 'absent', reason: 'no such zone' })
  })

  test('has failed when it throws', async () => {
    const result = await runProbe(
      probeThat(async () => {
        throw new Error('bus error')
      }),
      context,
    )
    expect(result).toMatchObject({ status: 'failed', reason: 'bus error' })
  })

  test('is cut off and has failed when it hangs, and its signal aborts', async () => {
    let signal: AbortSignal | undefined
    const hanging = probeThat(given => {
      signal = given.signal
      return new Promise(() => undefined)
    }, 20)
    const result = await runProbe(hanging, context)
    expect(result).toMatchObject({
      status: 'failed',
      reason: 'probe example took longer than 20 ms',
    })
    expect(signal?.aborted).toBe(true)
  })

  test('ends when nobody wants it any more', async () => {
    const ending = new AbortController()
    const waiting = probeThat(
      given =>
        new Promise((_, reject) => {
          given.signal.addEventListener('abort', () => reject(given.signal.reason))
          ending.abort(new Error('the agent stops'))
        }),
    )
    const result = await runProbe(waiting, { ...context, signal: ending.signal })
    expect(result).toMatchObject({ status: 'failed', reason: 'the agent stops' })
  })
})
