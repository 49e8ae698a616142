import { expect, test } from 'vitest'
import { JumpWatch } from '../../../../agent/clock/jump-watch.ts'

function watchFrom(dateMs: number) {
  const at = { wallMs: dateMs, monotonicMs: 0 }
  const jumps: number[] = []
  const watch = new JumpWatch({
    wallMs: () => at.wallMs,
    monotonicMs: () => at.monotonicMs,
    onJump: byMs => jumps.push(byMs),
  })
  const pass = (monotonicMs: number, wallMs = monotonicMs): void => {
    at.monotonicMs += monotonicMs
    at.wallMs += wallMs
    watch.check()
  }
  return { pass, jumps }
}

test('time that passes on both clocks is no jump', () => {
  const { pass, jumps } = watchFrom(0)
  for (let check = 0; check < 100; check++) pass(2000)
  expect(jumps).toEqual([])
})

test('a date that is set from 1970 to today is one jump, and time goes on', () => {
  const { pass, jumps } = watchFrom(0)
  pass(2000)
  pass(2000, Date.parse('2026-01-01T00:00:00Z'))
  pass(2000)
  expect(jumps).toEqual([Date.parse('2026-01-01T00:00:00Z') - 2000])
})

test('a date that is set back is a jump too', () => {
  const { pass, jumps } = watchFrom(1e12)
  pass(2000, -3_600_000)
  expect(jumps).toEqual([-3_602_000])
})

test('a sleep is a jump: only the date has gone on', () => {
  const { pass, jumps } = watchFrom(1e12)
  pass(10, 60_000)
  expect(jumps).toEqual([59_990])
})

test('a clock that NTP slews for hours never jumps', () => {
  const { pass, jumps } = watchFrom(1e12)
  for (let check = 0; check < 5000; check++) pass(2000, 2001)
  expect(jumps).toEqual([])
})
