import { describe, expect, test } from 'vitest'
import { PartStack } from '../../../runtime/shutdown.ts'
import { testLog } from '../../support/test-log.ts'

describe('parts', () => {
  test('are stopped in reverse, one after the other', async () => {
    const parts = new PartStack(testLog().log)
    const calls: string[] = []
    for (const name of ['state', 'outbox', 'broker']) {
      parts.add(name, {
        stop: async () => {
          calls.push(`${name} stops`)
          await new Promise(resolve => setImmediate(resolve))
          calls.push(`${name} stopped`)
        },
      })
    }
    await parts.stop()
    expect(calls).toEqual([
      'broker stops',
      'broker stopped',
      'outbox stops',
      'outbox stopped',
      'state stops',
      'state stopped',
    ])
    await parts.stop()
    expect(calls).toHaveLength(6)
  })

  test('that hang or fail do not keep the others from ending, and are named', async () => {
    const { log, lines } = testLog()
    const parts = new PartStack(log)
    const calls: string[] = []
    parts.add('state', { stop: async () => void calls.push('state') })
    parts.add('trainer', { stop: () => new Promise<void>(() => {}) })
    parts.add('sensor', { stop: () => Promise.reject(new Error('no such device')) })
    parts.add('careless', {
      stop: () => {
        throw new Error('not even a promise')
      },
    })
    await parts.stop(20)
    expect(calls).toEqual(['state'])
    expect(lines.map(({ msg, part }) => `${part}: ${msg}`)).toEqual([
      'careless: stop failed',
      'sensor: stop failed',
      'trainer: part did not stop in time',
    ])
  })
})
