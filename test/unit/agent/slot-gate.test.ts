import { describe, expect, test } from 'vitest'
import { SlotGate } from '../../../agent/assignment/slot-gate.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const SLOT_MS = 300

function gateOn() {
  const clock = new VirtualClock()
  const startsAtMs = clock.now()
  const abort = new AbortController()
  const schedule = { crId: 7, startsAtMs, slots: 10, slotMs: SLOT_MS }
  const gate = new SlotGate({ schedule, clock, signal: abort.signal })
  return { clock, gate, abort, passedMs: () => clock.now() - startsAtMs }
}

describe('the slot gate', () => {
  test('opens at the start of the slots and says when they end', async () => {
    const { clock, gate, passedMs } = gateOn()
    const { endsAtMs } = await clock.run(gate.enter([2, 5]))
    expect(passedMs()).toBe(2 * SLOT_MS)
    expect(endsAtMs - clock.now()).toBe(3 * SLOT_MS)
  })

  test('is open at once where the slots have begun', async () => {
    const { clock, gate, passedMs } = gateOn()
    await clock.advance(1000)
    await clock.run(gate.enter([2, 5]))
    expect(passedMs()).toBe(1000)
  })

  test('rejects when the round is over before its slots begin', async () => {
    const { gate, abort } = gateOn()
    const entering = gate.enter([2, 5])
    abort.abort(new Error('the communication round is over'))
    await expect(entering).rejects.toThrow('the communication round is over')
  })
})

describe('a rest', () => {
  async function rested(
    o: { cpuSeconds: number; durationMs: number; share: number },
    leftMs = 1e6,
  ) {
    const { clock, gate, passedMs } = gateOn()
    await clock.run(gate.rest({ ...o, endsAtMs: clock.now() + leftMs }))
    return passedMs()
  }

  test.each([
    ['100 ms of work at a share of 0.4', { cpuSeconds: 0.1, durationMs: 100, share: 0.4 }, 150],
    ['100 ms of work at half a core', { cpuSeconds: 0.1, durationMs: 100, share: 0.5 }, 100],
    ['work at a whole core', { cpuSeconds: 0.1, durationMs: 100, share: 1 }, 0],
    // Others had the core for most of the time: that was rest enough.
    ['10 ms of work that took 100', { cpuSeconds: 0.01, durationMs: 100, share: 0.5 }, 0],
    ['less than a millisecond', { cpuSeconds: 0.001, durationMs: 1, share: 0.6 }, 0],
  ])('after %s lasts %o: %d ms', async (_, work, ms) => {
    expect(await rested(work)).toBeCloseTo(ms, 3)
  })

  test('makes work its share of work and rest together', async () => {
    const [cpuSeconds, durationMs, share] = [0.08, 95, 0.3]
    const restMs = await rested({ cpuSeconds, durationMs, share })
    expect((cpuSeconds * 1000) / (durationMs + restMs)).toBeCloseTo(share, 5)
  })

  test('ends with the slots', async () => {
    expect(await rested({ cpuSeconds: 0.1, durationMs: 100, share: 0.01 }, 40)).toBe(40)
    expect(await rested({ cpuSeconds: 0.1, durationMs: 100, share: 0 }, 40)).toBe(40)
  })
})
