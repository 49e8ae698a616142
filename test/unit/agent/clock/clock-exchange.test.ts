import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exchangeOf } from '../../../../agent/clock/clock-exchange.ts'

describe('one exchange', () => {
  test('tells offset and round trip exactly where both ways take the same time', () => {
    // Ours is 1000 behind; 20 there, 5 at the controller, 20 back.
    expect(exchangeOf({ t1: 0, t2: 1020, t3: 1025, t4: 45 })).toEqual({
      offsetMs: 1000,
      rttMs: 40,
    })
  })

  test('is off by no more than half its round trip, whichever way was slow', () => {
    const ms = fc.integer({ min: 0, max: 5000 })
    fc.assert(
      fc.property(ms, ms, ms, fc.integer({ min: -1e6, max: 1e6 }), (up, held, down, offset) => {
        const t2 = up + offset
        const exchange = exchangeOf({ t1: 0, t2, t3: t2 + held, t4: up + held + down })
        expect(exchange.rttMs).toBe(up + down)
        expect(Math.abs(exchange.offsetMs - offset)).toBeLessThanOrEqual((up + down) / 2)
      }),
    )
  })

  test('has no negative round trip, even where the clocks count a little differently', () => {
    expect(exchangeOf({ t1: 0, t2: 0, t3: 10.4, t4: 10.3 }).rttMs).toBe(0)
  })
})
