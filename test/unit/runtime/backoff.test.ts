import { expect, test } from 'vitest'
import { Backoff } from '../../../runtime/backoff.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'

const TIMES = { firstMs: 100, limitMs: 1000 }

test('waits double up to the limit, and between half and the whole of that is chance', () => {
  const ceilings = [100, 200, 400, 800, 1000, 1000]
  for (const [random, share] of [
    [() => 0, 0.5],
    [() => 0.999_999, 1],
  ] as const) {
    const backoff = new Backoff({ ...TIMES, random })
    for (const ceiling of ceilings) expect(backoff.nextMs()).toBeCloseTo(ceiling * share, 1)
  }
})

test('a thousand failures later the wait is still within its bounds', () => {
  const backoff = new Backoff({ ...TIMES, random: seededRandom(1) })
  for (let attempt = 0; attempt < 1000; attempt++) backoff.nextMs()
  expect(backoff.attempt).toBe(1000)
  const waitMs = backoff.nextMs()
  expect(waitMs).toBeGreaterThanOrEqual(500)
  expect(waitMs).toBeLessThan(1000)
})

test('a success starts it over', () => {
  const backoff = new Backoff({ ...TIMES, random: () => 0.5 })
  for (let attempt = 0; attempt < 5; attempt++) backoff.nextMs()
  backoff.reset()
  expect(backoff.attempt).toBe(0)
  expect(backoff.nextMs()).toBe(75)
})

test('a fleet that lost its broker at one moment does not come back at one moment', () => {
  const waits = Array.from({ length: 50 }, (_, seed) =>
    new Backoff({ ...TIMES, random: seededRandom(seed) }).nextMs(),
  )
  expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(40)
})
