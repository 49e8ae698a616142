import { describe, expect, test } from 'vitest'
import {
  type SpectrumRound,
  SpectrumRounds,
} from '../../../agent/radio/spectrum/spectrum-rounds.ts'
import { SpectrumThread } from '../../../agent/radio/spectrum/spectrum-thread.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { asCu8, iqSignal } from '../../support/iq-signal.ts'

const PLAN = { format: 'cu8', rateHz: 1_024_000, blocks: 16, slots: 5, slotMs: 40 } as const
const SLOT_BYTES = 2 * 40_960

describe('the spectrum thread', () => {
  const bytes = asCu8(
    iqSignal(9 * 40_960, {
      random: seededRandom(21),
      noisePower: 1e-3,
      tones: [{ frequency: 0.2, power: 0.01, from: 50_000, to: 170_000 }],
    }),
  )

  test('measures what the same work in this thread does, gaps included', async () => {
    const [here, there]: [SpectrumRound[], SpectrumRound[]] = [[], []]
    const rounds = new SpectrumRounds(PLAN, round => here.push(round))
    const thread = new SpectrumThread(PLAN, round => there.push(round))
    for (const at of [0, 3, 4]) {
      const part = bytes.subarray(at * SLOT_BYTES, (at + 2) * SLOT_BYTES)
      rounds.push(part)
      rounds.skip(5000)
      await thread.push(part)
      thread.skip(5000)
    }
    rounds.finish()
    await Promise.all([thread.finish(), thread.finish()])
    expect(here).toHaveLength(2)
    expect(there).toEqual(here)
  })

  test('lets its feeder wait while it has enough to do, and takes nothing after its end', async () => {
    let rounds = 0
    const thread = new SpectrumThread(PLAN, () => {
      rounds += 1
    })
    let hasRoom = false
    // More than is ever underway: waits until the thread has taken some.
    const pushed = thread.push(new Uint8Array(60 * SLOT_BYTES)).then(() => {
      hasRoom = true
    })
    await Promise.resolve()
    expect(hasRoom).toBe(false)
    await pushed
    await thread.finish()
    expect(rounds).toBe(12)
    await thread.push(bytes)
    expect(rounds).toBe(12)
  })

  test('is not started for a plan that is none', () => {
    expect(() => new SpectrumThread({ ...PLAN, blocks: 5 }, () => undefined)).toThrow(
      'power of two',
    )
  })
})
