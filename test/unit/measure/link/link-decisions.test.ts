import { describe, expect, test } from 'vitest'
import { ByteBudget } from '../../../../agent/measure/link/byte-budget.ts'
import { ChangeDetector } from '../../../../agent/measure/link/change-detector.ts'
import {
  capacityOfTrain,
  figuresOfEchoes,
} from '../../../../agent/measure/link/datagram-figures.ts'
import { LookJudge } from '../../../../agent/measure/link/look-judge.ts'
import { LookPlan } from '../../../../agent/measure/link/look-plan.ts'
import { weightedQuantile } from '../../../../agent/measure/link/rate-samples.ts'
import {
  parseTcpCounters,
  retransmittedShareOf,
} from '../../../../agent/measure/link/tcp-counters.ts'

const MB = 1e6
const HOUR_MS = 3_600_000

describe('a change of rate', () => {
  test('by a factor of two is seen at the second reading, in both directions', () => {
    for (const factor of [0.5, 2]) {
      const detector = new ChangeDetector()
      for (const noise of [1, 1.1, 0.95, 1.02]) expect(detector.add(20e6 * noise)).toBe('same')
      expect(detector.add(20e6 * factor)).toBe('doubtful')
      expect(detector.add(20e6 * factor * 1.05)).toBe('changed')
      expect(detector.add(20e6 * factor)).toBe('same')
    }
  })

  test('is not seen in one bad reading, nor in two that disagree', () => {
    const detector = new ChangeDetector()
    const readings = [10e6, 10e6, 30e6, 10e6, 3e6, 30e6, 10e6]
    expect(readings.map(rate => detector.add(rate))).not.toContain('changed')
  })

  test('is not seen in readings that are none', () => {
    const detector = new ChangeDetector()
    for (const rate of [10e6, undefined, 0, Number.NaN]) expect(detector.add(rate)).toBe('same')
  })
})

describe('a look at the link', () => {
  const looked = (judge: LookJudge, rates: readonly (number | undefined)[]) =>
    rates.map(rate => judge.judge({ rate, goodput: 9.5e6, isTrain: true }))

  test('that shows half or double of the goodput twice is a change', () => {
    for (const rate of [4.9e6, 19.6e6]) {
      expect(looked(new LookJudge(), [rate, rate * 1.05])).toEqual(['doubtful', 'changed'])
      expect(looked(new LookJudge(), [9.8e6, 9.9e6, rate, rate])).toEqual([
        'same',
        'same',
        'doubtful',
        'changed',
      ])
    }
  })

  test('that shows many times the goodput rode on saved tokens', () => {
    expect(looked(new LookJudge(), [800e6, 650e6, 9.7e6])).toEqual(['blind', 'blind', 'same'])
  })

  test('that disagrees with the one before says nothing', () => {
    const verdicts = looked(new LookJudge(), [20e6, 35e6, 9.8e6, undefined])
    expect(verdicts).toEqual(['doubtful', 'doubtful', 'same', 'same'])
  })

  test('by a short transfer is held against others of its kind: slow start makes all too low', () => {
    const judge = new LookJudge()
    const verdicts = [100e6, 105e6, 48e6, 50e6].map(rate =>
      judge.judge({ rate, goodput: 280e6, isTrain: false }),
    )
    expect(verdicts).toEqual(['same', 'same', 'doubtful', 'changed'])
  })
})

describe('the byte budget', () => {
  const budget = () => new ByteBudget({ bytesPerDayMax: 100 * MB, capacityShareMax: 0.01 })

  test('leaves what is left of the day, says what was spent, and gives it back after one', () => {
    const one = budget()
    one.spend(90 * MB, 0)
    const asked = { nowMs: HOUR_MS, bitsPerSecond: undefined }
    expect(one.left(asked)).toMatchObject({
      bytes: 10 * MB,
      boundBy: expect.stringContaining('90000000 of 100000000'),
    })
    one.spend(20 * MB, HOUR_MS)
    expect(one.left(asked).bytes).toBe(0)
    expect(one.left({ ...asked, nowMs: 24 * HOUR_MS }).bytes).toBe(80 * MB)
  })

  test('leaves its share of what the link carries in an hour', () => {
    const one = budget()
    // 1 Mbit/s carries 450 MB in an hour, of which 1 % may go.
    const asked = { nowMs: 1000, bitsPerSecond: 1e6 }
    one.spend(4 * MB, 0)
    expect(one.left(asked)).toMatchObject({
      bytes: 0.5 * MB,
      boundBy: expect.stringContaining('an hour'),
    })
    expect(one.left({ ...asked, nowMs: HOUR_MS + 1 }).bytes).toBe(4.5 * MB)
  })
})

describe('the plan of looks', () => {
  const plan = (bytesPerDayMax = 1e12) => new LookPlan({ bytesPerDayMax, capacityShareMax: 0.01 })
  const at = (rate: number, nowMs = 0) => ({
    rates: { down: rate, up: rate },
    isMetered: false,
    isSecond: false,
    nowMs,
  })

  test('takes trains of 20 packets on a slow link, longer ones on a faster, transfers beyond', () => {
    expect(plan().next(at(1e6))).toMatchObject({
      kind: 'train',
      extent: { packets: { down: 20, up: 20 } },
    })
    expect(plan().next(at(50e6))?.extent.packets?.down).toBeGreaterThan(100)
    expect(plan().next(at(300e6))).toMatchObject({ kind: 'transfer' })
  })

  test('sends no train up a slow uplink that suits the downlink', () => {
    const look = plan().next({ ...at(0), rates: { down: 100e6, up: 2e6 } })
    expect(look?.extent.packets?.down).toBeGreaterThan(200)
    expect(look?.extent.packets?.up).toBe(20)
  })

  test('takes echoes alone where bytes cost money', () => {
    const look = plan().next({ ...at(10e6), isMetered: true })
    expect(look).toMatchObject({ kind: 'echoes', extent: { packets: { down: 0, up: 0 } } })
  })

  test('doubles a train that rode on saved tokens, and takes transfers where none is long enough', () => {
    const one = plan()
    const first = one.next(at(5e6))?.extent.packets?.down ?? 0
    one.lengthen()
    expect(one.next(at(5e6, HOUR_MS))?.extent.packets?.down).toBe(2 * first)
    for (let times = 0; times < 12; times++) one.lengthen()
    expect(one.next(at(5e6, 1000 * HOUR_MS))?.kind).toBe('transfer')
  })

  test('looks at 100 Mbit/s once in rounds of 30 s with 4 GiB a day', () => {
    const one = plan(4 * 2 ** 30)
    let looks = 0
    for (let nowMs = 0; nowMs < HOUR_MS; nowMs += 30_000) if (one.next(at(100e6, nowMs))) looks += 1
    expect(looks).toBeGreaterThanOrEqual(60)
  })

  test('spreads looks so that they take half of the day at most', () => {
    const one = plan(50 * MB)
    let bytes = 0
    for (let nowMs = 0; nowMs < 24 * HOUR_MS; nowMs += 5000) {
      bytes += one.next(at(10e6, nowMs))?.bytes ?? 0
    }
    expect(bytes).toBeGreaterThan(20 * MB)
    expect(bytes).toBeLessThanOrEqual(26 * MB)
  })
})

describe('datagrams', () => {
  const CLOCK_OFFSET = 1e9

  function echo(sequence: number, o: { up?: number; down?: number; receivedCount?: number } = {}) {
    const { up = 10, down = 5, receivedCount = sequence + 1 } = o
    const sentAtMs = sequence * 10
    const receivedAtMs = sentAtMs + up + CLOCK_OFFSET
    const returnedAtMs = receivedAtMs + 0.2
    const backAtMs = returnedAtMs - CLOCK_OFFSET + down
    return { sequence, sentAtMs, receivedAtMs, returnedAtMs, backAtMs, receivedCount }
  }

  test('tell round trips without the time at the server, whatever its clock says', () => {
    const figures = figuresOfEchoes([echo(0), echo(1), echo(2)])
    for (const rttMs of figures?.rttsMs ?? []) expect(rttMs).toBeCloseTo(15, 4)
    expect(figures?.up).toMatchObject({ lost: 0, sent: 3 })
    expect(figures?.down.jitterMs).toBeCloseTo(0, 4)
  })

  test('tell which way they were lost', () => {
    // 0 to 9 were sent; 2 did not come up, 4 did not come back.
    const back = [0, 1, 3, 5, 6, 7, 8, 9].map(sequence =>
      echo(sequence, { receivedCount: sequence < 2 ? sequence + 1 : sequence }),
    )
    const figures = figuresOfEchoes(back)
    expect(figures?.up).toMatchObject({ sent: 10, lost: 1 })
    expect(figures?.down).toMatchObject({ sent: 9, lost: 1 })
  })

  test('tell jitter as RFC 3550 does, of the way that it is on', () => {
    const figures = figuresOfEchoes([echo(0), echo(1, { up: 26 }), echo(2, { up: 10 })])
    // |D| is 16 twice: 16/16 = 1, then 1 + (16 - 1)/16.
    expect(figures?.up.jitterMs).toBeCloseTo(1.9375, 4)
    expect(figures?.down.jitterMs).toBeCloseTo(0, 4)
  })

  test('tell nothing where none came back', () => {
    expect(figuresOfEchoes([])).toBeUndefined()
  })

  test('in a train tell the capacity behind a burst, and in spite of a late wake-up', () => {
    const msPerPacket = (1228 * 8000) / 10e6
    const arrivals = Array.from({ length: 40 }, (_, rank) => {
      const atMs = rank < 15 ? rank * 0.01 : (rank - 15) * msPerPacket
      return { rank, atMs: rank > 28 && rank < 32 ? 32 * msPerPacket - 15 * msPerPacket : atMs }
    })
    const capacity = capacityOfTrain(arrivals, { received: 40, bytes: 1200 })
    expect(Math.abs((capacity ?? 0) / 10e6 - 1)).toBeLessThan(0.05)
  })

  test('in a train that came at once tell no capacity', () => {
    const arrivals = Array.from({ length: 20 }, (_, rank) => ({ rank, atMs: 3 }))
    expect(capacityOfTrain(arrivals, { received: 20, bytes: 1200 })).toBeUndefined()
    expect(capacityOfTrain([], { received: 0, bytes: 1200 })).toBeUndefined()
  })
})

describe('weighted quantiles', () => {
  test('are the usual ones where all weigh the same', () => {
    const values = Array.from({ length: 10 }, (_, index) => ({ value: index + 1, weight: 3 }))
    expect(weightedQuantile(values, 0.1)).toBeCloseTo(1.5)
    expect(weightedQuantile(values, 0.5)).toBeCloseTo(5.5)
    expect(weightedQuantile([{ value: 4, weight: 2 }], 0.9)).toBe(4)
    expect(weightedQuantile([], 0.5)).toBeNaN()
  })

  test('lie near the heavy value', () => {
    const values = [
      { value: 10, weight: 100 },
      { value: 20, weight: 1 },
      { value: 5, weight: 1 },
    ]
    expect(Math.abs(weightedQuantile(values, 0.5) - 10)).toBeLessThan(0.1)
    expect(Math.abs(weightedQuantile(values.slice(0, 2), 0.5) - 10)).toBeLessThan(0.2)
  })
})

describe('counters of TCP', () => {
  const snmp = (out: number, again: number) =>
    `Tcp: RtoAlgorithm OutSegs RetransSegs InErrs\nTcp: 1 ${out} ${again} 0\nUdp: InDatagrams\nUdp: 3`

  test('tell the share of segments that were sent again', () => {
    const share = retransmittedShareOf(
      parseTcpCounters(snmp(1000, 10)),
      parseTcpCounters(snmp(1990, 20)),
    )
    expect(share).toBeCloseTo(0.01)
  })

  test('tell nothing where they are missing, damaged or fell', () => {
    expect(parseTcpCounters('')).toBeUndefined()
    expect(parseTcpCounters('Tcp: OutSegs\nTcp: 5')).toBeUndefined()
    expect(parseTcpCounters('Tcp: OutSegs RetransSegs\nTcp: x -1')).toBeUndefined()
    const [before, after] = [parseTcpCounters(snmp(100, 9)), parseTcpCounters(snmp(50, 1))]
    expect(retransmittedShareOf(before, after)).toBeUndefined()
    expect(retransmittedShareOf(before, before)).toBeUndefined()
  })
})
