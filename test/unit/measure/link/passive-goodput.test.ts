import { describe, expect, test } from 'vitest'
import type { Arrival } from '../../../../agent/measure/link/goodput-estimator.ts'
import { passiveGoodput } from '../../../../agent/measure/link/passive-goodput.ts'

/** So many blocks, each through when the link has carried it. */
function blocks(o: {
  readonly count: number
  readonly bytes: number
  readonly bitsPerSecond: number
  readonly fromMs?: number
  readonly before?: number
}): Arrival[] {
  const { count, bytes, bitsPerSecond, fromMs = 0, before = 0 } = o
  return Array.from({ length: count }, (_, index) => ({
    atMs: fromMs + (index * bytes * 8000) / bitsPerSecond,
    bytesTotal: before + (index + 1) * bytes,
  }))
}

describe('a real transfer', () => {
  test.each([1e6, 20e6, 200e6])('of 16 blocks at %d bit/s tells the link within 10 %%', rate => {
    const bytes = Math.max(16 * 1024, rate / 8 / 40)
    const sample = passiveGoodput(blocks({ count: 16, bytes, bitsPerSecond: rate }))
    expect(Math.abs((sample?.bitsPerSecond ?? 0) / rate - 1)).toBeLessThan(0.1)
  })

  test('tells nothing where it was too short or too small', () => {
    const short = blocks({ count: 16, bytes: 64 * 1024, bitsPerSecond: 1e9 })
    expect(passiveGoodput(short)).toBeUndefined()
    const small = blocks({ count: 4, bytes: 4096, bitsPerSecond: 100e3 })
    expect(passiveGoodput(small)).toBeUndefined()
    expect(passiveGoodput([])).toBeUndefined()
    expect(passiveGoodput([{ atMs: 0, bytesTotal: 1e9 }])).toBeUndefined()
  })

  test('counts only its longest span without a pause: the sender had nothing to send in between', () => {
    const first = blocks({ count: 4, bytes: 64 * 1024, bitsPerSecond: 10e6 })
    const last = blocks({
      count: 12,
      bytes: 64 * 1024,
      bitsPerSecond: 10e6,
      fromMs: 3000,
      before: 4 * 64 * 1024,
    })
    const sample = passiveGoodput([...first, ...last])
    expect(Math.abs((sample?.bitsPerSecond ?? 0) / 10e6 - 1)).toBeLessThan(0.02)
    expect(sample?.bytes).toBeLessThanOrEqual(12 * 64 * 1024)
  })

  test('leaves out readings of a counter before its first byte', () => {
    const idle = Array.from({ length: 40 }, (_, index) => ({ atMs: index * 25, bytesTotal: 900 }))
    const moving = blocks({
      count: 40,
      bytes: 31_250,
      bitsPerSecond: 10e6,
      fromMs: 1000,
      before: 900,
    })
    const sample = passiveGoodput([...idle, ...moving])
    expect(Math.abs((sample?.bitsPerSecond ?? 0) / 10e6 - 1)).toBeLessThan(0.02)
  })
})
