import { describe, expect, test } from 'vitest'
import { freeShare, parseCoreTicks } from '../../../agent/measure/cpu-ticks.ts'

// Recorded on a machine of two cores, one second apart: a busy loop at niceness 10 was bound to
// cpu0, a busy loop at niceness 0 to cpu1.
const BEFORE = `cpu  27146 26 10417 374398 595 0 264 10413 0 0
cpu0 12607 26 4995 188604 136 0 34 5244 0 0
cpu1 14539 0 5421 185793 458 0 230 5168 0 0
intr 849479 0 0
`
const AFTER = `cpu  27247 125 10417 374398 595 0 264 10414 0 0
cpu0 12607 125 4996 188604 136 0 34 5246 0 0
cpu1 14640 0 5421 185793 458 0 230 5168 0 0
intr 849479 0 0
`

function shareOf(unit: string, before: string, after: string): number {
  return freeShare(parseCoreTicks(before).get(unit), parseCoreTicks(after).get(unit))
}

describe('the free share of a core', () => {
  test('counts niced work as free, because training yields to nobody less', () => {
    // 99 of 102 ticks were niced; the other three were system and steal.
    expect(shareOf('cpu0', BEFORE, AFTER)).toBeCloseTo(99 / 102, 10)
  })

  test('is none where ordinary work took all ticks', () => {
    expect(shareOf('cpu1', BEFORE, AFTER)).toBe(0)
  })

  test.each([
    ['user', 'cpu0 10 0 0 0 0 0 0 0 0 0', 0],
    ['nice', 'cpu0 0 10 0 0 0 0 0 0 0 0', 1],
    ['system', 'cpu0 0 0 10 0 0 0 0 0 0 0', 0],
    ['idle', 'cpu0 0 0 0 10 0 0 0 0 0 0', 1],
    ['iowait', 'cpu0 0 0 0 0 10 0 0 0 0 0', 1],
    ['irq', 'cpu0 0 0 0 0 0 10 0 0 0 0', 0],
    ['softirq', 'cpu0 0 0 0 0 0 0 10 0 0 0', 0],
    ['steal', 'cpu0 0 0 0 0 0 0 0 10 0 0', 0],
    // A guest's ticks are in user already and must not count twice.
    ['guest', 'cpu0 10 0 0 10 0 0 0 0 10 0', 0.5],
  ])('takes %s ticks for what they are', (_, after, share) => {
    expect(shareOf('cpu0', 'cpu0 0 0 0 0 0 0 0 0 0 0\n', `${after}\n`)).toBe(share)
  })

  test('is unknown where no tick passed or the core went offline', () => {
    expect(shareOf('cpu0', BEFORE, BEFORE)).toBeNaN()
    expect(shareOf('cpu7', BEFORE, AFTER)).toBeNaN()
    expect(shareOf('cpu0', BEFORE, '')).toBeNaN()
  })

  test('stays in [0, 1] when iowait steps back', () => {
    const before = 'cpu0 0 0 0 100 50 0 0 0 0 0\n'
    const after = 'cpu0 20 0 0 100 40 0 0 0 0 0\n'
    expect(shareOf('cpu0', before, after)).toBe(0)
  })
})
