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
