import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { runDecodeIq } from '../../../cli/sensor/decode-iq.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { sharedFile, temporaryDirectory } from '../../support/directories.ts'
import { asCu8, iqSignal } from '../../support/iq-signal.ts'
import { runCli } from './run-cli.ts'

interface Slot {
  readonly heard: number
  readonly occupancy: readonly number[]
}

async function decoded(file: string, options: { rate?: number; slotMs?: number } = {}) {
  const output = new PassThrough()
  const printed = text(output)
  await runDecodeIq(file, { blocks: 16, json: true, output, ...options })
  output.end()
  return JSON.parse(await printed)
}

function recordingOfNoise(): string {
  const path = join(temporaryDirectory(), 'noise.cu8')
  const noise = iqSignal(400_000, { random: seededRandom(6), noisePower: 1e-3 })
  writeFileSync(path, asCu8(noise))
  return path
}

describe('gainnet sensor decode iq', () => {
  test('of noise finds about as much as chance has', async () => {
    const { slots, occupied, seconds, noiseFloorDbfs } = await decoded(recordingOfNoise(), {
      rate: 1e6,
    })
    expect(slots).toHaveLength(25)
    expect(seconds).toBe(0.4)
    expect(occupied).toBeLessThan(0.004)
    // 1e-3 of full scale, in 16 blocks.
    for (const floor of noiseFloorDbfs) expect(floor).toBeCloseTo(-42, 0)
  })

  test('shows slots as a picture, and says what it needs to know', async () => {
    const file = recordingOfNoise()
    const { stdout } = await runCli(['sensor', 'decode', 'iq', file, '--rate', '1000000'])
    expect(stdout).toContain('noise.cu8: cu8, 1000000 samples a second, 0.4 s')
    expect(stdout).toMatch(/^ {2}0 +0\.0 +100\.0 % +0\.\d % +[·░]{16}$/m)
    const { stderr, exitCode } = await runCli(['sensor', 'decode', 'iq', file])
    expect(stderr).toContain('does not tell its sample rate: say --rate')
    expect(exitCode).toBe(64)
  })
})

describe('of air that was recorded', () => {
  const recorded = (name: string) => sharedFile(`data/iq-captures/${name}`)
  const busiest = ({ occupancy }: Slot): number => Math.max(...occupancy)

  test.skipIf(!recorded('urh-esaver.cs8.gz'))(
    'the burst of an energy meter is where it is, with silence before and after',
    async () => {
      const { slots } = await decoded(recorded('urh-esaver.cs8.gz') ?? '', { rate: 1e6 })
      const busy = slots.map((slot: Slot) => busiest(slot) > 0.3)
      expect(busy.indexOf(true)).toBe(5)
      expect(busy.lastIndexOf(true)).toBe(12)
      expect(busy.slice(5, 13)).toEqual(Array(8).fill(true))
      expect(slots.slice(0, 5).every((slot: Slot) => busiest(slot) < 0.05)).toBe(true)
    },
  )

  test.skipIf(!recorded('urh-homematic.cs16.gz'))(
    'two messages of a thermostat are two bursts',
    async () => {
      const { slots } = await decoded(recorded('urh-homematic.cs16.gz') ?? '', { rate: 1e6 })
      const mean = ({ occupancy }: Slot) => occupancy.reduce((sum, one) => sum + one, 0) / 16
      const busy = slots.map((slot: Slot) => mean(slot) > 0.2)
      expect(busy.map(Number).join('')).toMatch(/^0+1+0+1+0+$/)
    },
  )

  test.skipIf(!recorded('urh-enocean.cf32.gz'))(
    'a switch stays in its part of the band',
    async () => {
      const { slots } = await decoded(recorded('urh-enocean.cf32.gz') ?? '', { rate: 1e6 })
      for (const slot of slots) expect(slot.occupancy.indexOf(busiest(slot))).toBe(13)
    },
  )

  test.skipIf(!recorded('urh-fsk.cf32.gz') || !recorded('modes1.cu8.gz'))(
    'a short message leaves the band free, aircraft fill theirs in bursts',
    async () => {
      const fsk = await decoded(recorded('urh-fsk.cf32.gz') ?? '', { rate: 1e6 })
      expect(busiest(fsk.slots[0])).toBeGreaterThan(0.8)
      expect(busiest(fsk.slots[3])).toBeLessThan(0.05)
      const modes = await decoded(recorded('modes1.cu8.gz') ?? '', { rate: 2e6, slotMs: 4 })
      const shares = modes.slots.map(busiest)
      expect(Math.max(...shares)).toBeGreaterThan(0.95)
      expect(modes).toMatchObject({ seconds: 0.1784, blockWidthHz: 125_000 })
    },
  )
})
