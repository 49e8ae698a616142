import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ChannelRows, totalRate } from '../../../../controller/power/channel-gains.ts'
import { POWER_SIZES, trainPowerModel } from '../../../../controller/power/power-diffusion.ts'
import { expertPairs, joinPairs } from '../../../../controller/power/power-pairs.ts'
import { PowerSac } from '../../../../controller/power/power-sac.ts'
import { PowerSampler } from '../../../../controller/power/power-sampler.ts'
import { averagePower, waterFill } from '../../../../controller/power/water-filling.ts'
import { fillStandardNormal, type Random, seededRandom } from '../../../../runtime/seeded-random.ts'
import { readForwardModel } from '../../../../training/forward/forward-graph.ts'
import { buildChannelDenoiser } from '../../../../training/models/diffusion/channel-denoiser.ts'
import { loadOrt, type Ort } from '../../../../training/trainer/ort-session.ts'

const SEED = 5
const CHANNELS = 20
const sizes = { channels: CHANNELS, ...POWER_SIZES, seed: SEED }
const parameterCount = readForwardModel(buildChannelDenoiser(sizes)).parameters.reduce(
  (sum, { count }) => sum + count,
  0,
)

function draw(count: number, random: Random, [from, to] = [1, 7]): ChannelRows {
  const spread = (to ?? 0) - (from ?? 0)
  const gains = Float64Array.from(
    { length: count * CHANNELS },
    () => (from ?? 0) + spread * random(),
  )
  return { gains, channels: CHANNELS, budget: 0.2 }
}

/** A network that nobody trained and that says wild things. */
function wildParameters(random: Random): Float32Array {
  return fillStandardNormal(new Float32Array(parameterCount), random).map(value => 5 * value)
}

function expectFeasible(powers: Float64Array, { budget, caps, channels }: ChannelRows): void {
  for (let from = 0; from < powers.length; from += channels) {
    const row = powers.subarray(from, from + channels)
    const room = caps
      ? caps.subarray(from, from + channels).reduce((sum, cap) => sum + cap, 0)
      : budget
    const sum = row.reduce((total, power) => total + power, 0)
    expect(sum).toBeLessThanOrEqual(budget * (1 + 1e-12))
    expect(sum / Math.min(budget, room)).toBeGreaterThan(1 - 1e-4)
    for (const [place, power] of row.entries()) {
      expect(power).toBeGreaterThanOrEqual(0)
      if (caps) expect(power).toBeLessThanOrEqual(caps[from + place] ?? 0)
    }
  }
}

let ort: Ort
beforeAll(async () => {
  ort = await loadOrt()
})

describe('a sampler', () => {
  const random = seededRandom(SEED)
  let sampler: PowerSampler
  let capped: PowerSampler
  beforeAll(async () => {
    const parameters = wildParameters(random)
    sampler = await PowerSampler.open(ort, { sizes, parameters, steps: 3, hasCaps: false })
    capped = await PowerSampler.open(ort, { sizes, parameters, steps: 3, hasCaps: true })
  })
  afterAll(async () => {
    await sampler.release()
    await capped.release()
  })

  test('allocates feasibly whatever its network says', async () => {
    const rows = draw(200, random)
    expectFeasible(await sampler.allocate(rows, random), rows)
  })

  test('keeps to the cap of every channel, and spends the budget where the caps hold it', async () => {
    const rows = draw(200, random)
    const caps = Float64Array.from(rows.gains, () => (random() < 0.2 ? 0 : 0.04 * random()))
    // Rows with room for half of the budget, for all of it, and a row with none.
    caps.set(new Float64Array(CHANNELS).fill(0.005))
    caps.set(new Float64Array(CHANNELS).fill(0.2), CHANNELS)
    expectFeasible(await capped.allocate({ ...rows, caps }, random), { ...rows, caps })
    caps.fill(0, 0, CHANNELS)
    const powers = await capped.allocate({ ...rows, caps }, random)
    expect(powers.subarray(0, CHANNELS).every(power => power === 0)).toBe(true)
  })

  test('is safe with gains of 0 and enormous ones', async () => {
    const rows = draw(4, random)
    rows.gains.fill(0, 0, CHANNELS)
    rows.gains.fill(1e300, CHANNELS, 2 * CHANNELS)
    rows.gains[2 * CHANNELS] = 1e300
    rows.gains[3 * CHANNELS] = 5e-324
    expectFeasible(await sampler.allocate(rows, random), rows)
  })

  test('gives nothing of nothing', async () => {
    const powers = await sampler.allocate({ ...draw(2, random), budget: 0 }, random)
    expect(powers.every(power => power === 0)).toBe(true)
  })

  test.each([
    ['gains that are no numbers', { gains: new Float64Array(CHANNELS).fill(Number.NaN) }, /NaN/],
    ['a negative gain', { gains: new Float64Array(CHANNELS).fill(-1) }, /gain at 0 is -1/],
    ['channels that it was not made for', { channels: 10 }, /for 20 channels, not 10/],
  ])('refuses %s', async (_, change, message) => {
    const rows = { ...draw(1, random), ...change }
    await expect(sampler.allocate(rows, random)).rejects.toThrow(message)
  })

  test('gives the same for the same seed, and each row for itself', async () => {
    const rows = draw(3, random)
    const all = await sampler.allocate(rows, seededRandom(SEED))
    expect(await sampler.allocate(rows, seededRandom(SEED))).toEqual(all)
    const first = { ...rows, gains: rows.gains.subarray(0, CHANNELS) }
    const alone = await sampler.allocate(first, seededRandom(SEED))
    for (const [place, power] of alone.entries()) expect(all[place]).toBeCloseTo(power, 6)
  })
})

describe('what is learned', () => {
  const random = seededRandom(SEED)
  const known = draw(1500, random, [4, 7])
  const rain = draw(1500, random)
  const held = { calm: draw(400, random, [4, 7]), rain: draw(400, random) }

  /** Share of the gain that water-filling has over average. */
  function shareOf(rows: ChannelRows, powers: Float64Array): number {
    const even = totalRate(rows.gains, averagePower(rows))
    return (totalRate(rows.gains, powers) - even) / (totalRate(rows.gains, waterFill(rows)) - even)
  }

  async function judged(parameters: Float32Array, rows: ChannelRows): Promise<number> {
    const sampler = await PowerSampler.open(ort, { sizes, parameters, steps: 2, hasCaps: false })
    try {
      return shareOf(rows, await sampler.allocate(rows, seededRandom(SEED)))
    } finally {
      await sampler.release()
    }
  }

  test('is most of what water-filling gains, and replay keeps what was learned before', async () => {
    const calm = expertPairs(known)
    const options = { sizes, updates: 500, seed: SEED }
    const first = await trainPowerModel(ort, { ...options, pairs: calm })
    expect(await judged(first, held.calm), `seed ${SEED}`).toBeGreaterThan(0.7)
    const pairs = joinPairs(calm, expertPairs(rain))
    const second = await trainPowerModel(ort, { ...options, parameters: first, pairs })
    expect(await judged(second, held.rain)).toBeGreaterThan(await judged(first, held.rain))
    expect(await judged(second, held.rain)).toBeGreaterThan(0.9)
    expect(await judged(second, held.calm)).toBeGreaterThan(0.8)
  })

  test('soft actor-critic learns it from the rates alone', async () => {
    const settings = {
      hidden: POWER_SIZES.hidden,
      layers: POWER_SIZES.layers,
      learningRate: 3e-3,
      initialTemperature: 1,
      entropyPerChannel: -3,
      rewardScale: 100,
      updatesPerInteraction: 0.25,
      batch: 64,
    }
    const sac = await PowerSac.open(ort, {
      channels: CHANNELS,
      settings,
      capacity: 1500,
      seed: SEED,
    })
    try {
      const before = shareOf(held.rain, await sac.allocate(held.rain))
      await sac.learn(rain)
      const powers = await sac.allocate(held.rain)
      expectFeasible(powers, held.rain)
      expect(shareOf(held.rain, powers), `seed ${SEED}`).toBeGreaterThan(before + 0.3)
    } finally {
      await sac.release()
    }
  })
})
