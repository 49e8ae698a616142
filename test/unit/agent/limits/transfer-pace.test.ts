import { expect, test } from 'vitest'
import { TransferPace } from '../../../../agent/limits/transfer-pace.ts'
import { VirtualClock } from '../../../support/virtual-clock.ts'

const KIB = 1024

/** 100 kB a second for two seconds. */
function openPace(o: { readonly bits?: number; readonly afterMs?: number } = {}) {
  const { bits = 1_600_000, afterMs = 0 } = o
  const clock = new VirtualClock()
  const startsAtMs = clock.now() + afterMs
  const pace = TransferPace.of(clock, { bits, startsAtMs, endsAtMs: startsAtMs + 2000 })
  if (!pace) throw new Error('this is a grant')
  return { clock, pace, startsAtMs }
}

test('a grant that is filled to the last bit is through shortly before its slots end', async () => {
  const { clock, pace, startsAtMs } = openPace()
  for (let block = 0; block < 100; block++) await clock.run(pace.take(2000))
  expect(clock.now() - startsAtMs).toBeGreaterThan(1900)
  expect(clock.now() - startsAtMs).toBeLessThan(1960)
  expect(pace).toMatchObject({ usedBytes: 200_000, grantedBytes: 200_000, bytesBeyond: 0 })
  expect(pace.hasWaited).toBe(true)
})

test('within its slots never more than 1.05 of the grant goes, whatever there is to do', async () => {
  const { clock, pace } = openPace()
  const endsAtMs = clock.now() + 2000
  while (clock.now() < endsAtMs) await clock.run(pace.take(3000))
  const within = pace.usedBytes - pace.bytesBeyond
  expect(within / pace.grantedBytes).toBeLessThanOrEqual(1.05)
  expect(within / pace.grantedBytes).toBeGreaterThan(0.98)
})

test('what is not through when the slots end goes on at the same rate, and is counted', async () => {
  const { clock, pace, startsAtMs } = openPace()
  await clock.advance(1500)
  for (let block = 0; block < 50; block++) await clock.run(pace.take(2000))
  // Of the second before only a burst was left.
  expect(clock.now() - startsAtMs).toBeGreaterThan(2400)
  expect(pace.bytesBeyond).toBeGreaterThan(40_000)
  expect(pace.bytesBeyond).toBeLessThan(60_000)
})

test.each([
  ['a fifth of the slots late goes faster by as much', 400, 1.25],
  ['three fifths late goes no faster than half as much again', 1200, 1.5],
])('who begins %s', (_, lateMs, factor) => {
  const clock = new VirtualClock()
  const startsAtMs = clock.now() - lateMs
  const grant = { bits: 1_600_000, startsAtMs, endsAtMs: startsAtMs + 2000 }
  const late = TransferPace.of(clock, grant)
  expect((late?.bitsPerSecond ?? 0) / openPace().pace.bitsPerSecond).toBeCloseTo(factor, 6)
})

test('nothing goes before the slots begin', async () => {
  const { clock, pace, startsAtMs } = openPace({ afterMs: 700 })
  await clock.run(pace.take(1))
  expect(clock.now()).toBeGreaterThanOrEqual(startsAtMs)
})

test('what goes at once because others wait for it is paid for by what follows', async () => {
  const { clock, pace, startsAtMs } = openPace()
  pace.spend(50_000)
  expect(pace.usedBytes).toBe(50_000)
  await clock.run(pace.take(1000))
  expect(clock.now() - startsAtMs).toBeGreaterThan(480)
})

test.each([
  ['no bits', { bits: 0, startsAtMs: 0, endsAtMs: 1000 }],
  ['no slots', { bits: 100, startsAtMs: 1000, endsAtMs: 1000 }],
])('%s are nothing to pace by', (_, grant) => {
  expect(TransferPace.of(new VirtualClock(), grant)).toBeUndefined()
})

test.each([
  ['a slow link has small blocks', 0.2e6, 100 * KIB, 8 * KIB],
  ['a middling one blocks of 20 ms', 20e6, 100 * KIB, Math.ceil((10e6 / 8 / 50) * 1.03)],
  ['a large update no more than 256 of them', 0.2e6, 25_600 * KIB, 100 * KIB],
  ['a fast link the largest', 2e9, 25_600 * KIB, 256 * KIB],
])('%s', (_, bits, payloadBytes, blockBytes) => {
  expect(openPace({ bits }).pace.blockBytesFor(payloadBytes, 256 * KIB)).toBe(blockBytes)
})

test('few bytes are not worth pacing block by block', () => {
  const { pace } = openPace()
  expect(pace.isBurst(2000)).toBe(true)
  expect(pace.isBurst(3000)).toBe(false)
})
