import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TokenBucket } from '../../../../agent/limits/token-bucket.ts'
import { VirtualClock } from '../../../support/virtual-clock.ts'

const START_MS = 1_000_000
/** Sums of some hundred figures carry rounding. */
const ROUNDING = 1e-6

function openBucket(perSecond: number, burstMs: number) {
  let nowMs = START_MS
  const at = () => {
    throw new Error('a reservation sets no timer')
  }
  const clock = { now: () => nowMs, at }
  const bucket = new TokenBucket({ clock, perSecond, burstMs, startsAtMs: START_MS })
  const pass = (ms: number): void => {
    nowMs += ms
  }
  return { bucket, pass, now: () => nowMs }
}

const load = fc.record({
  perSecond: fc.double({ min: 0.01, max: 1e9, noNaN: true }),
  burstMs: fc.integer({ min: 0, max: 500 }),
  takes: fc.array(
    fc.record({
      pauseMs: fc.integer({ min: 0, max: 2000 }),
      amountMs: fc.double({ min: 0, max: 300, noNaN: true }),
    }),
    { minLength: 1, maxLength: 60 },
  ),
})

/** What is let go when, by a user who takes as soon as there is something to take for him. */
function letGo({ perSecond, burstMs, takes }: Load) {
  const { bucket, pass, now } = openBucket(perSecond, burstMs)
  return takes.map(({ pauseMs, amountMs }) => {
    pass(pauseMs)
    const amount = (amountMs * perSecond) / 1000
    return { amount, atMs: Math.max(now(), bucket.reserve(amount)) }
  })
}

interface Load {
  readonly perSecond: number
  readonly burstMs: number
  readonly takes: readonly { readonly pauseMs: number; readonly amountMs: number }[]
}

test('in no window more than its rate and one burst or take goes, and never more since the start', () => {
  fc.assert(
    fc.property(load, given => {
      const gone = letGo(given)
      const perMs = given.perSecond / 1000
      const largest = Math.max(...gone.map(({ amount }) => amount))
      const slack = Math.max(given.burstMs * perMs, largest)
      const rounding = ROUNDING * perMs * 1e5
      for (const [from, first] of gone.entries()) {
        let sum = 0
        for (const { amount, atMs } of gone.slice(from)) {
          sum += amount
          const windowMs = atMs - first.atMs
          expect(sum).toBeLessThanOrEqual(windowMs * perMs + slack + rounding)
        }
      }
      let total = 0
      for (const { amount, atMs } of gone) {
        total += amount
        expect(total).toBeLessThanOrEqual((atMs - START_MS) * perMs + rounding)
      }
    }),
  )
})

test('a user who always has work gets the whole rate, however late he takes within a burst', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 1e8, noNaN: true }),
      fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 5, maxLength: 80 }),
      (perSecond, latenessMs) => {
        const { bucket, pass, now } = openBucket(perSecond, 20)
        const amount = perSecond * 0.03
        for (const lateMs of latenessMs) {
          const paidAtMs = bucket.reserve(amount)
          pass(Math.max(0, paidAtMs - now()) + lateMs)
        }
        // What was late once was made up for with the next.
        expect(bucket.reserve(0) - START_MS).toBeCloseTo(latenessMs.length * 30, 3)
      },
    ),
  )
})

test('what was not taken in time is lost but for a burst', () => {
  const { bucket, pass } = openBucket(1000, 20)
  pass(10_000)
  expect(bucket.reserve(20)).toBe(START_MS + 10_000)
  expect(bucket.reserve(20)).toBe(START_MS + 10_020)
})

test('before it starts there is nothing to take', () => {
  const { bucket, pass, now } = openBucket(1000, 20)
  pass(-500)
  expect(bucket.reserve(10) - now()).toBe(510)
})

test('tells what can be taken until a time', () => {
  const { bucket, pass } = openBucket(1000, 20)
  expect(bucket.leftUntil(START_MS + 100)).toBe(100)
  bucket.reserve(60)
  expect(bucket.leftUntil(START_MS + 100)).toBe(40)
  pass(90)
  expect(bucket.leftUntil(START_MS + 100)).toBe(30)
  expect(bucket.leftUntil(START_MS)).toBe(0)
})

test('who takes waits for it, in the order of asking, and may give up', async () => {
  const clock = new VirtualClock()
  const startsAtMs = clock.now()
  const bucket = new TokenBucket({ clock, perSecond: 1000, burstMs: 20, startsAtMs })
  const order: string[] = []
  const abort = new AbortController()
  const given = [
    bucket.take(100).then(() => order.push('first')),
    bucket.take(100, abort.signal).catch(() => order.push('gave up')),
    bucket.take(100).then(() => order.push('third')),
  ]
  await clock.advance(99)
  expect(order).toEqual([])
  abort.abort(new Error('enough'))
  await clock.advance(201)
  await Promise.all(given)
  expect(order).toEqual(['gave up', 'first', 'third'])
  expect(clock.timerCount).toBe(0)
  await expect(bucket.take(1, abort.signal)).rejects.toThrow('enough')
})

test.each([0, -1, Number.NaN])('a rate of %d is refused', perSecond => {
  expect(() => openBucket(perSecond, 20)).toThrow('is no rate')
})
