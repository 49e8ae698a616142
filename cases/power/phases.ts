import { type ChannelRows, totalRate } from '../../controller/power/channel-gains.ts'
import { POWER_SIZES, trainPowerModel } from '../../controller/power/power-diffusion.ts'
import { expertPairs, joinPairs } from '../../controller/power/power-pairs.ts'
import { PowerSac, type PowerSacSettings } from '../../controller/power/power-sac.ts'
import { PowerSampler } from '../../controller/power/power-sampler.ts'
import { averagePower, waterFill } from '../../controller/power/water-filling.ts'
import { seededRandom } from '../../runtime/seeded-random.ts'
import type { ChannelDenoiserSizes } from '../../training/models/diffusion/channel-denoiser.ts'
import type { Ort } from '../../training/trainer/ort-session.ts'
import type { Tally } from '../report/tally.ts'
import { CHANNELS, drawChannels, type EnvironmentName, type PowerSetting } from './environments.ts'

export interface StudyOptions extends PowerSetting {
  readonly seeds: number
  /** Expert solutions, or interactions, of a phase. */
  readonly pairs: number
  /** Steps of the optimizer in a phase. */
  readonly updates: number
  /** Passes of the sampler. */
  readonly steps: number
  /** Draws that nothing was learned from. */
  readonly heldBack: number
}

/**
 * The best of nine settings that were tried at 10,000 interactions with other seeds: rates from 0.001
 * to 0.003, H̄ from −1 to −4 a channel, rewards times 20 to 200, 0.25 to 0.4 updates an interaction.
 */
export const SAC_SETTINGS: PowerSacSettings = {
  hidden: POWER_SIZES.hidden,
  layers: POWER_SIZES.layers,
  learningRate: 3e-3,
  initialTemperature: 1,
  entropyPerChannel: -3,
  rewardScale: 100,
  updatesPerInteraction: 0.4,
  batch: 128,
}

/** A point of the picture: the gain over the average allocation, in per cent, after so many updates. */
export interface CurvePoint {
  readonly phase: 't1' | 't3'
  readonly updates: number
  readonly t1: number
  readonly t2: number
}

/** Conditions of one seed on which all are judged, and what two simple rules get there. */
interface Judge {
  readonly rows: ChannelRows
  readonly even: number
  readonly best: number
}

/** What one seed is played with. */
export interface SeedStudy {
  readonly ort: Ort
  readonly options: StudyOptions
  readonly seed: number
  readonly tally: Tally
}

/** Points of a training curve, which the first seed alone draws. */
const CURVE_POINTS = 12

/** Training and test draws of seeds have nothing in common: each takes so many numbers. */
const SEED_STRIDE = 64

/** T1, T2 and T3 of one seed (Du et al. 2024, section V), for the diffusion model and for SAC. */
export async function studySeed(study: SeedStudy): Promise<readonly CurvePoint[]> {
  const judges = { t1: judgeOf(study, 't1', 1), t2: judgeOf(study, 't2', 2) }
  const { tally } = study
  tally.add('t1.ceiling', judges.t1.best - judges.t1.even, judges.t1.even)
  tally.add('t3.ceiling', judges.t2.best - judges.t2.even, judges.t2.even)
  const curve = await studyDiffusion(study, judges)
  await studySac(study, judges)
  return curve
}

function judgeOf(
  { options, seed }: SeedStudy,
  environment: EnvironmentName,
  offset: number,
): Judge {
  const random = seededRandom(seed * SEED_STRIDE + offset)
  const rows = drawChannels(environment, options.heldBack, options, random)
  const rate = (powers: Float64Array) => totalRate(rows.gains, powers)
  return { rows, even: rate(averagePower(rows)), best: rate(waterFill(rows)) }
}

async function studyDiffusion(
  { ort, options, seed, tally }: SeedStudy,
  judges: Readonly<Record<EnvironmentName, Judge>>,
): Promise<readonly CurvePoint[]> {
  const { pairs, updates, steps } = options
  const draw = (environment: EnvironmentName, offset: number) =>
    expertPairs(
      drawChannels(environment, pairs, options, seededRandom(seed * SEED_STRIDE + offset)),
    )
  const sizes = { channels: CHANNELS, ...POWER_SIZES, seed: seed + 1 }
  const judge = (parameters: Float32Array, { rows }: Judge, passes = steps) =>
    rateOf(ort, { sizes, parameters, steps: passes, rows, seed })
  const curve: CurvePoint[] = []
  const followed = (phase: CurvePoint['phase']) => ({
    every: seed === 0 ? Math.ceil(updates / CURVE_POINTS) : 0,
    onParameters: async (done: number, parameters: Float32Array) => {
      if (seed !== 0) return
      const gain = async (one: Judge) => 100 * ((await judge(parameters, one)) / one.even - 1)
      curve.push({ phase, updates: done, t1: await gain(judges.t1), t2: await gain(judges.t2) })
    },
  })
  const known = draw('t1', 3)
  const fresh = draw('t2', 4)
  const common = { sizes, updates, seed: seed + 1 }
  const first = await trainPowerModel(ort, { ...common, pairs: known, ...followed('t1') })
  const both = joinPairs(known, fresh)
  const third = await trainPowerModel(ort, {
    ...common,
    parameters: first,
    pairs: both,
    ...followed('t3'),
  })
  const alone = await trainPowerModel(ort, { ...common, parameters: first, pairs: fresh })

  const note = (name: string, rate: number, { even }: Judge) => tally.add(name, rate - even, even)
  const share = (name: string, rate: number, { even, best }: Judge) =>
    tally.add(name, rate - even, best - even)
  const [firstRate, stale] = [await judge(first, judges.t1), await judge(first, judges.t2)]
  const [again, back] = [await judge(third, judges.t2), await judge(third, judges.t1)]
  note('t1.gdm', firstRate, judges.t1)
  share('t1.optimum-share', firstRate, judges.t1)
  note('t2.stale', stale, judges.t2)
  note('t3.gdm', again, judges.t2)
  share('t3.optimum-share', again, judges.t2)
  tally.add('t3.virtuous-gain', again - stale, judges.t2.even)
  note('back-on-t1.gdm', back, judges.t1)
  share('back-on-t1.optimum-share', back, judges.t1)
  note('without-replay.t3', await judge(alone, judges.t2), judges.t2)
  note('without-replay.back-on-t1', await judge(alone, judges.t1), judges.t1)
  for (const passes of [1, 2, 3, 6]) {
    const rate = await judge(third, judges.t2, passes)
    share(`sampler-steps.${passes}`, rate, judges.t2)
  }
  return curve
}

async function studySac(
  { ort, options, seed, tally }: SeedStudy,
  { t1, t2 }: Readonly<Record<EnvironmentName, Judge>>,
): Promise<void> {
  const { pairs } = options
  const sac = await PowerSac.open(ort, {
    channels: CHANNELS,
    settings: SAC_SETTINGS,
    capacity: 2 * pairs,
    seed: seed + 1,
  })
  try {
    const draw = (environment: EnvironmentName, offset: number) =>
      drawChannels(environment, pairs, options, seededRandom(seed * SEED_STRIDE + offset))
    const rate = async ({ rows }: Judge) => totalRate(rows.gains, await sac.allocate(rows))
    await sac.learn(draw('t1', 3))
    const first = await rate(t1)
    tally.add('t1.sac', first - t1.even, t1.even)
    tally.add('t1.sac-optimum-share', first - t1.even, t1.best - t1.even)
    tally.add('t2.sac-stale', (await rate(t2)) - t2.even, t2.even)
    await sac.learn(draw('t2', 4))
    const third = await rate(t2)
    tally.add('t3.sac', third - t2.even, t2.even)
    tally.add('t3.sac-optimum-share', third - t2.even, t2.best - t2.even)
    tally.add('back-on-t1.sac', (await rate(t1)) - t1.even, t1.even)
  } finally {
    await sac.release()
  }
}

/** Sum rate of what a denoiser allocates. */
export async function rateOf(
  ort: Ort,
  o: {
    readonly sizes: ChannelDenoiserSizes
    readonly parameters: Float32Array
    readonly steps: number
    readonly rows: ChannelRows
    readonly seed: number
  },
): Promise<number> {
  const { sizes, parameters, steps, rows, seed } = o
  const sampler = await PowerSampler.open(ort, { sizes, parameters, steps, hasCaps: false })
  try {
    return totalRate(rows.gains, await sampler.allocate(rows, seededRandom(seed)))
  } finally {
    await sampler.release()
  }
}
