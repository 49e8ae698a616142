import { type Random, seededRandom } from '../../runtime/seeded-random.ts'
import { buildChannelActorCritic } from '../../training/models/channel-actor-critic.ts'
import { SacLearner } from '../../training/sac/sac-learner.ts'
import type { Ort } from '../../training/trainer/ort-session.ts'
import { type ChannelRows, sumRate } from './channel-gains.ts'
import { powerConditions } from './power-pairs.ts'
import { averagePower } from './water-filling.ts'

export interface PowerSacSettings {
  readonly hidden: number
  readonly layers: number
  readonly learningRate: number
  readonly initialTemperature: number
  /** H̄ of each channel in nats. */
  readonly entropyPerChannel: number
  readonly rewardScale: number
  readonly updatesPerInteraction: number
  readonly batch: number
}

/** Interactions between two runs of updates. */
const ROLL_OUT = 64

/**
 * Soft actor-critic that allocates power: it observes the gains, acts by weights of the channels and is
 * rewarded by the rate (the baseline of Du et al. 2024, section V). An allocation changes nothing about
 * the gains that follow, so that each interaction ends an episode.
 */
export class PowerSac {
  readonly #learner: SacLearner
  readonly #settings: PowerSacSettings
  readonly #random: Random

  private constructor(learner: SacLearner, settings: PowerSacSettings, seed: number) {
    this.#learner = learner
    this.#settings = settings
    this.#random = seededRandom(seed)
  }

  static async open(
    ort: Ort,
    o: {
      readonly channels: number
      readonly settings: PowerSacSettings
      readonly capacity: number
      readonly seed: number
    },
  ): Promise<PowerSac> {
    const { channels, settings, capacity, seed } = o
    const { hidden, layers, learningRate, initialTemperature, batch } = settings
    const learner = await SacLearner.open(ort, {
      ...buildChannelActorCritic({ channels, hidden, layers, seed }),
      capacity,
      seed,
      settings: {
        batch,
        discount: 0,
        learningRates: { actor: learningRate, critic: learningRate, temperature: learningRate },
        initialTemperature,
        targetEntropy: settings.entropyPerChannel * channels,
      },
    })
    return new PowerSac(learner, settings, seed)
  }

  /** Interacts once with each row of gains, and learns from all interactions so far. */
  async learn(rows: ChannelRows): Promise<void> {
    const { gains, channels } = rows
    const count = gains.length / channels
    let owed = 0
    for (let from = 0; from < count; from += ROLL_OUT) {
      const part = gains.subarray(from * channels, Math.min(count, from + ROLL_OUT) * channels)
      await this.#interact({ ...rows, gains: part })
      owed += (part.length / channels) * this.#settings.updatesPerInteraction
      await this.#learner.update(Math.max(1, Math.floor(owed)))
      owed -= Math.floor(owed)
    }
  }

  /** By the mean of the policy. */
  async allocate(rows: ChannelRows): Promise<Float64Array> {
    const actions = await this.#learner.act({ observation: powerConditions(rows) })
    return toPowers(actions, rows)
  }

  async release(): Promise<void> {
    await this.#learner.release()
  }

  async #interact(rows: ChannelRows): Promise<void> {
    const { gains, channels } = rows
    const observed = powerConditions(rows)
    const actions = await this.#learner.act({ observation: observed }, this.#random)
    const powers = toPowers(actions, rows)
    const even = averagePower(rows)
    for (let from = 0; from < gains.length; from += channels) {
      const row = (values: Float64Array) => values.subarray(from, from + channels)
      const ratio = sumRate(row(gains), row(powers)) / sumRate(row(gains), row(even))
      const observation = { observation: observed.subarray(from, from + channels) }
      this.#learner.remember({
        observation,
        action: actions.subarray(from, from + channels),
        reward: this.#settings.rewardScale * (ratio - 1),
        next: observation,
        isTerminal: true,
      })
    }
  }
}

/** Weights (a + 1) / 2 of the channels, as shares of the budget. */
function toPowers(actions: Float32Array, { channels, budget }: ChannelRows): Float64Array {
  const powers = Float64Array.from(actions, action => (action + 1) / 2 + 1e-6)
  for (let from = 0; from < powers.length; from += channels) {
    const row = powers.subarray(from, from + channels)
    const scale = budget / row.reduce((sum, weight) => sum + weight, 0)
    for (const [place, weight] of row.entries()) row[place] = weight * scale
  }
  return powers
}
