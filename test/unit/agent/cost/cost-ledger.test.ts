import { describe, expect, test } from 'vitest'
import { CostLedger, NOTHING } from '../../../../agent/cost/cost-ledger.ts'
import { CpuMeter } from '../../../../agent/cost/cpu-meter.ts'
import { CostReport } from '../../../../protocol/life.ts'
import { VirtualClock } from '../../../support/virtual-clock.ts'

describe('the meter', () => {
  test('charges each moment to the work that began last, and nothing twice', () => {
    let seconds = 100
    const meter = new CpuMeter(() => seconds)
    const outer = meter.open()
    seconds += 3
    const inner = meter.open()
    seconds += 5
    expect(inner.close()).toBe(5)
    seconds += 1
    expect(outer.close()).toBe(4)
    seconds += 50
    const later = meter.open()
    expect(later.close()).toBe(0)
  })

  test('takes work that ends before what began later', () => {
    let seconds = 0
    const meter = new CpuMeter(() => seconds)
    const first = meter.open()
    const second = meter.open()
    seconds += 2
    expect(first.close()).toBe(0)
    seconds += 2
    expect(second.close()).toBe(4)
    expect(second.close()).toBe(4)
  })
})

describe('the ledger', () => {
  test('adds up by part and in all', () => {
    const ledger = new CostLedger({ clock: new VirtualClock() })
    ledger.add('link', { sentBytes: 1000, receivedBytes: 2000, cpuSeconds: 0.01 })
    ledger.add('link', { sentBytes: 1 })
    ledger.add('compute', { cpuSeconds: 0.1, childCpuSeconds: 2 })
    const { sinceStart, parts, today, yesterday } = CostReport.parse(ledger.report)
    expect(sinceStart).toEqual({
      sentBytes: 1001,
      receivedBytes: 2000,
      cpuSeconds: 0.11,
      childCpuSeconds: 2,
    })
    expect(parts.link).toMatchObject({ runs: 2, sentBytes: 1001 })
    expect(parts.compute).toMatchObject({ runs: 1, childCpuSeconds: 2 })
    expect(today).toEqual({ day: '2026-01-01', ...sinceStart })
    expect(yesterday).toBeUndefined()
  })

  test('tells parts that took little together', () => {
    const ledger = new CostLedger({ clock: new VirtualClock() })
    ledger.add('compute', { childCpuSeconds: 10 })
    ledger.add('clock', { sentBytes: 90 })
    for (const part of ['thermal', 'memory', 'memory']) ledger.add(part, { cpuSeconds: 0.1 })
    const { parts } = ledger.report
    expect(Object.keys(parts)).toEqual(['compute', 'clock', 'others'])
    expect(parts.others).toMatchObject({ runs: 3, cpuSeconds: 0.3 })
  })

  test('begins a new day at midnight UTC and keeps the one before', async () => {
    const clock = new VirtualClock(Date.parse('2026-02-28T23:59:59.000Z'))
    const ledger = new CostLedger({ clock })
    ledger.add('link', { sentBytes: 7 })
    await clock.advance(1000)
    expect(ledger.report.today).toEqual({ day: '2026-03-01', ...NOTHING })
    expect(ledger.report.yesterday).toMatchObject({ day: '2026-02-28', sentBytes: 7 })
    ledger.add('link', { sentBytes: 1 })
    expect(ledger.report.today).toMatchObject({ sentBytes: 1 })
    expect(ledger.report.sinceStart.sentBytes).toBe(8)
  })

  test('tells a round what was spent since the round before, however often it is asked', () => {
    const ledger = new CostLedger({ clock: new VirtualClock() })
    ledger.add('link', { sentBytes: 100, cpuSeconds: 1 })
    const first = { bytesSpent: 100, cpuSecondsSpent: 1 }
    expect(ledger.ofRound(7)).toEqual({ ...first, lastRound: first })
    ledger.add('compute', { receivedBytes: 5, childCpuSeconds: 2 })
    expect(ledger.ofRound(7)).toEqual({ ...first, lastRound: first })
    expect(ledger.ofRound(8)).toEqual({
      bytesSpent: 105,
      cpuSecondsSpent: 3,
      lastRound: { bytesSpent: 5, cpuSecondsSpent: 2 },
    })
    expect(ledger.ofRound(9).lastRound).toEqual({ bytesSpent: 0, cpuSecondsSpent: 0 })
  })

  test('counts work that throws', () => {
    let seconds = 0
    const meter = new CpuMeter(() => seconds)
    const ledger = new CostLedger({ clock: new VirtualClock(), meter })
    const work = (): never => {
      seconds += 2
      throw new Error('no such slot')
    }
    expect(() => ledger.charge('slots', work)).toThrow('no such slot')
    expect(ledger.report.parts.slots).toMatchObject({ runs: 1, cpuSeconds: 2 })
  })
})
