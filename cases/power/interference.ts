import { trainPowerModel } from '../../controller/power/power-diffusion.ts'
import type { PowerPairs } from '../../controller/power/power-pairs.ts'
import { PowerSampler } from '../../controller/power/power-sampler.ts'
import { waterFill } from '../../controller/power/water-filling.ts'
import { fillStandardNormal, type Random, seededRandom } from '../../runtime/seeded-random.ts'
import type { ChannelDenoiserSizes } from '../../training/models/diffusion/channel-denoiser.ts'
import type { Ort } from '../../training/trainer/ort-session.ts'
import { type Interference, interferedRate, weightedMmse } from './weighted-mmse.ts'

/** Two links with ten channels in common, as strong across as along: 4 to 10 times the noise. */
const CHANNELS = 10
const BUDGET = 10
const GAIN = { direct: [1, 7], crossed: [0, 7] } as const
const SIZES = { channels: CHANNELS, size: 2, conditionSize: 4, hidden: 32, layers: 2 } as const

const ITERATIONS = 60
/** Rounds in which each link answers the other by water-filling; then they hardly move. */
const ANSWERS = 20
const SAMPLES = 4

export interface InterferenceOptions {
  readonly pairs: number
  readonly updates: number
  readonly heldBack: number
  readonly steps: number
  readonly seed: number
}

/** A way to allocate: its mean rate in bit/s/Hz, and its time for one pair of links. */
export interface Contestant {
  readonly name: string
  readonly rate: number
  readonly even: number
  readonly milliseconds: number
}

/**
 * Where links disturb each other the sum rate is not concave: water-filling is no optimum any more, and
 * what finds a good one iterates, from several starts. A sampler that learned from the best of them
 * draws allocations in one run, and several of which the best is kept: the rate is known.
 */
export async function studyInterference(
  ort: Ort,
  options: InterferenceOptions,
): Promise<readonly Contestant[]> {
  const random = seededRandom(options.seed)
  const known = Array.from({ length: options.pairs }, () => drawInterference(random))
  const sizes: ChannelDenoiserSizes = { ...SIZES, seed: options.seed + 1 }
  const parameters = await trainPowerModel(ort, {
    sizes,
    pairs: pairsOf(known),
    updates: options.updates,
    seed: options.seed + 1,
  })
  const held = Array.from({ length: options.heldBack }, () => drawInterference(random))
  const judge = (name: string, allocate: (given: Interference) => Float64Array): Contestant =>
    measured(name, held, () => held.map(allocate))
  const sampler = await PowerSampler.open(ort, {
    sizes,
    parameters,
    steps: options.steps,
    hasCaps: false,
  })
  try {
    // The first run takes its memory.
    await denoised(sampler, held, random)
    const [one, four] = [
      await timed(sampler, held, 1, random),
      await timed(sampler, held, SAMPLES, random),
    ]
    return [
      judge('even', even),
      judge('water-filling', alone),
      judge('iterated-water-filling', answering),
      judge('weighted-mmse', given => weightedMmse(given, even(given), ITERATIONS)),
      judge('expert', expert),
      { name: 'gdm', ...one },
      { name: `gdm-best-of-${SAMPLES}`, ...four },
    ]
  } finally {
    await sampler.release()
  }
}

function drawInterference(random: Random): Interference {
  const draw = ([from, to]: readonly [number, number]) =>
    Float64Array.from({ length: 2 * CHANNELS }, () => from + (to - from) * random())
  return {
    direct: draw(GAIN.direct),
    crossed: draw(GAIN.crossed),
    channels: CHANNELS,
    budget: BUDGET,
  }
}

function even({ channels, budget }: Interference): Float64Array {
  return new Float64Array(2 * channels).fill(budget / channels)
}

/** Each link as if the other were silent. */
function alone({ direct, channels, budget }: Interference): Float64Array {
  return waterFill({ gains: direct, channels, budget })
}

/** Each link takes the other's interference for noise, in turns (Yu et al. 2002). */
function answering(given: Interference): Float64Array {
  const { direct, crossed, channels, budget } = given
  const powers = even(given)
  for (let answer = 0; answer < 2 * ANSWERS; answer++) {
    const from = (answer % 2) * channels
    const gains = Float64Array.from({ length: channels }, (_, channel) => {
      const other = powers[channels - from + channel] ?? 0
      return (direct[from + channel] ?? 0) / (1 + (crossed[from + channel] ?? 0) * other)
    })
    powers.set(waterFill({ gains, channels, budget }), from)
  }
  return powers
}

/** The better of two starts: both links everywhere, and each channel for the link that hears it best. */
function expert(given: Interference): Float64Array {
  const { direct, channels } = given
  const owned = even(given).map((power, place) => {
    const isOwner = (direct[place] ?? 0) > (direct[(place + channels) % (2 * channels)] ?? 0)
    return isOwner ? power : power / 20
  })
  const found = [even(given), owned].map(start => weightedMmse(given, start, ITERATIONS))
  const [first = even(given), second = first] = found
  return interferedRate(given, first) >= interferedRate(given, second) ? first : second
}

function pairsOf(known: readonly Interference[]): PowerPairs {
  const samples = known.map(given => {
    const powers = expert(given)
    const share = (link: number, channel: number) => powers[link * CHANNELS + channel] ?? 0
    // The expert may leave power unspent, which shares cannot: it is as good as spent evenly.
    return byChannel(2, (channel, link) => (CHANNELS / BUDGET) * share(link, channel))
  })
  return { conditions: conditionsOf(known), samples: joined(samples) }
}

function conditionsOf(known: readonly Interference[]): Float32Array {
  return joined(
    known.map(({ direct, crossed }) =>
      byChannel(4, (channel, number) => {
        const gains = number < 2 ? direct : crossed
        return Math.log(1e-3 + (gains[(number % 2) * CHANNELS + channel] ?? 0))
      }),
    ),
  )
}

/** [channels, size] */
function byChannel(size: number, of: (channel: number, number: number) => number): Float32Array {
  return Float32Array.from({ length: CHANNELS * size }, (_, place) =>
    of(Math.floor(place / size), place % size),
  )
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const width = parts[0]?.length ?? 0
  const all = new Float32Array(parts.length * width)
  for (const [place, part] of parts.entries()) all.set(part, place * width)
  return all
}

async function denoised(
  sampler: PowerSampler,
  held: readonly Interference[],
  random: Random,
): Promise<Float64Array[]> {
  const noise = fillStandardNormal(new Float32Array(held.length * CHANNELS * 2), random)
  const shares = await sampler.shares(conditionsOf(held), { noise })
  return held.map((_, row) =>
    Float64Array.from({ length: 2 * CHANNELS }, (_, place) => {
      const [link, channel] = [Math.floor(place / CHANNELS), place % CHANNELS]
      return BUDGET * (shares[(row * CHANNELS + channel) * 2 + link] ?? 0)
    }),
  )
}

async function timed(
  sampler: PowerSampler,
  held: readonly Interference[],
  samples: number,
  random: Random,
): Promise<Omit<Contestant, 'name'>> {
  const from = performance.now()
  const best = held.map(even)
  const rates = best.map(() => 0)
  for (let sample = 0; sample < samples; sample++) {
    const drawn = await denoised(sampler, held, random)
    for (const [place, given] of held.entries()) {
      const powers = drawn[place] ?? even(given)
      const rate = interferedRate(given, powers)
      if (rate <= (rates[place] ?? 0)) continue
      rates[place] = rate
      best[place] = powers
    }
  }
  const milliseconds = (performance.now() - from) / held.length
  const { name: _, ...figures } = contestant('', held, best)
  return { ...figures, milliseconds }
}

function measured(
  name: string,
  held: readonly Interference[],
  allocate: () => readonly Float64Array[],
): Contestant {
  const from = performance.now()
  const powers = allocate()
  const milliseconds = (performance.now() - from) / held.length
  return { ...contestant(name, held, powers), milliseconds }
}

function contestant(
  name: string,
  held: readonly Interference[],
  powers: readonly Float64Array[],
): Contestant {
  const mean = (all: readonly Float64Array[]) =>
    held.reduce((sum, given, place) => sum + interferedRate(given, all[place] ?? []), 0) /
    held.length
  return { name, rate: mean(powers), even: mean(held.map(even)), milliseconds: 0 }
}
