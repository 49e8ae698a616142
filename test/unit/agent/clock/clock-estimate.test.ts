import { describe, expect, test } from 'vitest'
import { ClockEstimate } from '../../../../agent/clock/clock-estimate.ts'
import { exchangeOf } from '../../../../agent/clock/clock-exchange.ts'
import { type Random, seededRandom } from '../../../../runtime/seeded-random.ts'

const ROUND_MS = 30_000
const OFFSET_MS = 86_400_000

/** Two clocks: the agent's is time itself, the controller's drifts against it. */
function controllerAt(agentMs: number, driftPpm: number): number {
  return agentMs + OFFSET_MS + agentMs * driftPpm * 1e-6
}

/** An exchange that begins at a time, with its own delay on each way. */
function exchange(t1: number, o: { driftPpm: number; upMs: number; downMs: number }) {
  const t2 = controllerAt(t1 + o.upMs, o.driftPpm)
  const t3 = controllerAt(t1 + o.upMs + 0.2, o.driftPpm)
  const t4 = t1 + o.upMs + 0.2 + o.downMs
  return { ...exchangeOf({ t1, t2, t3, t4 }), session: 1, endedMs: t4 }
}

/** Mostly quick, sometimes held up by a queue, and never the same on both ways. */
function delay(random: Random, baseMs: number): number {
  return baseMs * (1 + random()) + (random() < 0.3 ? random() * 100 * baseMs : 0)
}

describe('the bound of the offset', () => {
  test.each(Array.from({ length: 24 }, (_, index) => 9000 + index))(
    'holds the true offset at any time, whatever ways, delays and drift (seed %i)',
    seed => {
      const random = seededRandom(seed)
      const driftPpm = (random() - 0.5) * 190
      const base = { up: 0.1 + random() * 20, down: 0.1 + random() * 20 }
      const estimate = new ClockEstimate()
      for (let round = 0; round < 80; round++) {
        const { endedMs, ...seen } = exchange(round * ROUND_MS, {
          driftPpm,
          upMs: delay(random, base.up),
          downMs: delay(random, base.down),
        })
        estimate.add(seen, endedMs)
        for (const laterMs of [0, ROUND_MS * random(), 20 * ROUND_MS]) {
          const nowMs = endedMs + laterMs
          const reading = estimate.at(nowMs)
          const trueOffsetMs = controllerAt(nowMs, driftPpm) - nowMs
          const offMs = Math.abs((reading?.offsetMs ?? 0) - trueOffsetMs)
          expect(offMs, `round ${round}`).toBeLessThanOrEqual(reading?.errorMs ?? 0)
        }
      }
    },
  )

  test('is half the delay at once, and grows by 100 ppm while the drift is not known', () => {
    const estimate = new ClockEstimate()
    estimate.add({ rttMs: 10, offsetMs: 500, session: 1 }, 1000)
    expect(estimate.at(1000)?.errorMs).toBeCloseTo(5, 2)
    expect(estimate.at(1000 + 60_000)?.errorMs).toBeCloseTo(5 + 6, 2)
    expect(estimate.at(1000)?.drift.isMeasured).toBe(false)
  })

  test('takes the exchange with the least error now, not the newest', () => {
    const estimate = new ClockEstimate()
    estimate.add({ rttMs: 50, offsetMs: 120, session: 1 }, 0)
    estimate.add({ rttMs: 4, offsetMs: 100, session: 1 }, 1000)
    estimate.add({ rttMs: 300, offsetMs: 220, session: 1 }, 2000)
    expect(estimate.at(2000)).toMatchObject({ offsetMs: 100, measuredAtMs: 1000 })
  })
})

describe('the drift', () => {
  test.each([-80, -20, 0, 35, 80])('of %i ppm is known after some minutes', driftPpm => {
    const estimate = new ClockEstimate()
    const random = seededRandom(1)
    for (let round = 0; round < 20; round++) {
      const ways = { upMs: 1 + random(), downMs: 1 + random() }
      const { endedMs, ...seen } = exchange(round * ROUND_MS, { driftPpm, ...ways })
      estimate.add(seen, endedMs)
    }
    const { drift } = estimate.at(20 * ROUND_MS) ?? {}
    expect(drift?.isMeasured).toBe(true)
    expect(Math.abs((drift?.ppm ?? 0) - driftPpm)).toBeLessThan(5)
  })

  test('is not told from exchanges that say nothing of it', () => {
    const estimate = new ClockEstimate()
    for (let round = 0; round < 5; round++) {
      estimate.add({ rttMs: 200, offsetMs: 100, session: 1 }, round * 1000)
    }
    expect(estimate.at(5000)?.drift.isMeasured).toBe(false)
  })
})

describe('what was known', () => {
  const known = (): ClockEstimate => {
    const estimate = new ClockEstimate()
    for (let round = 0; round < 8; round++) {
      estimate.add({ rttMs: 1, offsetMs: 100, session: 1 }, round * ROUND_MS)
    }
    return estimate
  }
  const nowMs = 8 * ROUND_MS

  test('is nothing before the first exchange', () => {
    expect(new ClockEstimate().at(0)).toBeUndefined()
    expect(new ClockEstimate().isKnown).toBe(false)
  })

  test('of another life of the controller counts no more: its clock may be another', () => {
    const estimate = known()
    estimate.add({ rttMs: 40, offsetMs: 60_000, session: 2 }, nowMs)
    expect(estimate.at(nowMs)?.offsetMs).toBe(60_000)
  })

  test('and cannot be true any more gives way to what was measured now', () => {
    const estimate = known()
    estimate.add({ rttMs: 40, offsetMs: 400, session: 1 }, nowMs)
    expect(estimate.at(nowMs)).toMatchObject({ offsetMs: 400, drift: { isMeasured: false } })
  })

  test('is off by the length of a jump until the clock was asked again', () => {
    const estimate = known()
    const before = estimate.at(nowMs)?.errorMs ?? 0
    estimate.jumped(-5000)
    expect(estimate.at(nowMs)?.errorMs).toBe(before + 5000)
    estimate.add({ rttMs: 40, offsetMs: 103, session: 1 }, nowMs)
    // Although the old ones do not contradict it: they were of the time before.
    expect(estimate.at(nowMs)).toMatchObject({ offsetMs: 103 })
    expect(estimate.at(nowMs)?.errorMs).toBeCloseTo(20, 1)
  })
})
