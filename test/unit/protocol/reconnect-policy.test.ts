import { expect, test } from 'vitest'
import { RECONNECT_TIMING, ReconnectPolicy } from '../../../protocol/reconnect-policy.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'

const unreachable = { kind: 'unreachable', reason: 'ECONNREFUSED' } as const
const closed = { kind: 'closed-by-peer', reason: 'closed' } as const
const refused = { kind: 'refused', reason: 'Not authorized', returnCode: 5 } as const

function policy() {
  return new ReconnectPolicy(seededRandom(1))
}

test('waits grow to their limit and never come to nothing', () => {
  const reconnect = policy()
  const waits = Array.from({ length: 20 }, () => reconnect.after(unreachable, 0).waitMs)
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(RECONNECT_TIMING.firstMs / 2)
  expect(Math.max(...waits)).toBeLessThanOrEqual(RECONNECT_TIMING.limitMs)
  expect(waits.at(-1)).toBeGreaterThanOrEqual(RECONNECT_TIMING.limitMs / 2)
})

test('two fleets of one seed each do not come back at one moment', () => {
  const waits = [1, 2, 3].map(seed => {
    return new ReconnectPolicy(seededRandom(seed)).after(unreachable, 0).waitMs
  })
  expect(new Set(waits).size).toBe(3)
})

test('wrong credentials are tried again rarely', () => {
  const { waitMs, status } = policy().after(refused, 0)
  expect(status).toBe('refused')
  expect(waitMs).toBeGreaterThanOrEqual(RECONNECT_TIMING.longFirstMs / 2)
})

test('a broker that takes us back at once and closes again, five times, is another client', () => {
  const reconnect = policy()
  const statuses = Array.from({ length: 6 }, () => reconnect.after(closed, 800).status)
  expect(statuses).toEqual([
    'waiting',
    'waiting',
    'waiting',
    'waiting',
    'duplicate-identity',
    'duplicate-identity',
  ])
})

test('a broker that restarts again and again is not taken for another client', () => {
  const reconnect = policy()
  for (let restart = 0; restart < 50; restart++) {
    expect(reconnect.after(closed, 800).status).toBe('waiting')
    expect(reconnect.after(unreachable, 0).status).toBe('waiting')
  }
})

test('after a long life waiting starts anew', () => {
  const reconnect = policy()
  for (let attempt = 0; attempt < 10; attempt++) reconnect.after(unreachable, 0)
  const { waitMs } = reconnect.after(closed, RECONNECT_TIMING.stableMs)
  expect(waitMs).toBeLessThanOrEqual(RECONNECT_TIMING.firstMs)
})
