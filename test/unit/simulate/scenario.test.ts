import { describe, expect, test } from 'vitest'
import { dirichlet, gamma } from '../../../controller/simulate/draws.ts'
import { Environment } from '../../../controller/simulate/environment.ts'
import { placeAt } from '../../../controller/simulate/manhattan-mobility.ts'
import { drawScenario, inputsOfRound } from '../../../controller/simulate/scenario.ts'
import { BALANCED, LIGHT, limited } from '../../../controller/simulate/scenario-options.ts'
import { blockBits, pathLossDb } from '../../../controller/simulate/umi-channel.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length

describe('mobility', () => {
  const ride = {
    isHorizontal: true,
    roadMetres: 200,
    startMetres: 480,
    direction: 1,
    metresPerSecond: 10,
  } as const

  test('a vehicle goes straight and turns around at the border', () => {
    expect(placeAt(ride, 0, 500)).toEqual({ x: 480, y: 200, heading: 0 })
    expect(placeAt(ride, 1, 500)).toMatchObject({ x: 490, heading: 0 })
    expect(placeAt(ride, 3, 500)).toMatchObject({ x: 490, y: 200, heading: Math.PI })
    expect(placeAt(ride, 53, 500)).toMatchObject({ x: 10, heading: 0 })
  })

  test('backwards it looks backwards', () => {
    const back = { ...ride, direction: -1, isHorizontal: false } as const
    expect(placeAt(back, 1, 500)).toEqual({ x: 200, y: 470, heading: -Math.PI / 2 })
  })
})

describe('channel', () => {
  test('path loss is that of TR 38.901, UMi', () => {
    const sight = pathLossDb(100, 5.9, { sight: 0, shadowing: 0 })
    const none = pathLossDb(100, 5.9, { sight: 0.999, shadowing: 0 })
    const d3 = Math.hypot(100, 8.5)
    expect(sight).toBeCloseTo(32.4 + 21 * Math.log10(d3) + 20 * Math.log10(5.9), 10)
    expect(none).toBeCloseTo(35.3 * Math.log10(d3) + 22.4 + 21.3 * Math.log10(5.9), 10)
    expect(pathLossDb(100, 5.9, { sight: 0.999, shadowing: 1 }) - none).toBeCloseTo(7.82, 10)
  })

  test('a block carries at most the greatest efficiency, and less the more is lost', () => {
    expect(blockBits(BALANCED, 40).uplinkBitsPerBlock).toBeCloseTo(180e3 * 0.1 * 7.4, 6)
    const near = blockBits(BALANCED, 110)
    const far = blockBits(BALANCED, 120)
    expect(near.uplinkBitsPerBlock).toBeGreaterThan(far.uplinkBitsPerBlock)
    expect(near.downlinkBitsPerBlock).toBeGreaterThan(near.uplinkBitsPerBlock)
  })
})

describe('draws', () => {
  test('gamma draws have the mean and the variance of their shape', () => {
    for (const shape of [0.5, 3]) {
      const random = seededRandom(11)
      const draws = Array.from({ length: 20_000 }, () => gamma(random, shape))
      const m = mean(draws)
      expect(Math.abs(m - shape)).toBeLessThan(0.06 * shape)
      expect(Math.abs(mean(draws.map(x => (x - m) ** 2)) - shape)).toBeLessThan(0.15 * shape)
    }
  })

  test('a Dirichlet draw is a distribution', () => {
    const shares = dirichlet(seededRandom(3), 6, 0.5)
    expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(0)
  })
})

describe('scenario', () => {
  test('a seed gives the same cell again, another one another', () => {
    const [one, same, other] = [1, 1, 2].map(seed => drawScenario(BALANCED, seed))
    expect(one).toEqual(same)
    expect(one?.rides).not.toEqual(other?.rides)
  })

  test('the balanced preset has the regime of the case study', () => {
    const rounds = [0, 1, 2, 3].map(seed => inputsOfRound(drawScenario(BALANCED, seed), 0))
    const devices = rounds.flatMap(inputs => inputs.devices)
    const seen = (kind: string) =>
      mean(devices.map(one => one.sensors.find(s => s.kind === kind)?.targetIds?.length ?? 0))
    // Stated for it: 5.8 targets in the camera's view, 13.1 in that of the radio.
    expect(Math.abs(seen('camera') - 5.8)).toBeLessThan(1.2)
    expect(Math.abs(seen('isac') - 13.1)).toBeLessThan(1.5)
    const reach = mean(devices.map(device => (device.links?.size ?? 0) * 3))
    expect(Math.abs(reach - 8)).toBeLessThan(1.2)
  })

  test('limits take what they say and leave the rest', () => {
    expect(limited(LIGHT, 'frequency')).toMatchObject({
      radio: { blocks: 5 },
      isac: { blocksPerSnapshot: 5 },
    })
    expect(limited(BALANCED, 'compute').cyclesPerSecond).toEqual([0.5e9, 1e9])
    const strict = new Environment(drawScenario(limited(BALANCED, 'time'), 1))
    const lax = new Environment(drawScenario(BALANCED, 1))
    const last = (values: Int32Array) => Math.max(...values)
    expect(last(lax.stage.computeTo)).toBeGreaterThan(6)
    expect(last(strict.stage.computeTo)).toBeLessThanOrEqual(6)
  })

  test('a camera and a radio see targets in their own areas', () => {
    const { devices } = inputsOfRound(drawScenario(BALANCED, 9), 0)
    for (const { sensors } of devices) {
      for (const { targetIds = [], sketch, sensingClass } of sensors) {
        expect(sketch?.counts.reduce((a, b) => a + b, 0)).toBe(targetIds.length)
        expect(sensingClass?.samplesPerSnapshot).toBe(targetIds.length)
      }
    }
  })
})
