import type { SacSettings } from '../../../../training/sac/sac-settings.ts'

/** The parameters of a network by their names in its file. */
export type Network = Readonly<Record<string, Float64Array>>

export interface ReferenceBatch {
  readonly observation: readonly (readonly number[])[]
  readonly next: readonly (readonly number[])[]
  readonly action: readonly (readonly number[])[]
  readonly reward: readonly number[]
  readonly continues: readonly number[]
  readonly noise: readonly (readonly number[])[]
  readonly nextNoise: readonly (readonly number[])[]
}

const STEP = 1e-6

/** The weights of a layer row by row; those for the action follow those for the observation. */
function weightsOf(network: Network, layer: string): readonly number[] {
  const names = [`${layer}.weight`, `${layer}.observation.weight`, `${layer}.action.weight`]
  return names.flatMap(name => Array.from(network[name] ?? []))
}

/** relu(x · W + b), layer after layer; the last one without. */
function perceptron(network: Network, x: readonly number[]): readonly number[] {
  const layers = ['hidden.0', 'hidden.1', 'output'].filter(name => `${name}.bias` in network)
  return layers.reduce<readonly number[]>((from, name) => {
    const bias = Array.from(network[`${name}.bias`] ?? [])
    const weights = weightsOf(network, name)
    const sums = bias.map((start, column) =>
      from.reduce(
        (sum, value, row) => sum + value * (weights[row * bias.length + column] ?? 0),
        start,
      ),
    )
    return name === 'output' ? sums : sums.map(sum => Math.max(0, sum))
  }, x)
}

/** Written with the density of the normal distribution and tanh′ = 1 / cosh², where the graph has a softplus. */
function draw(actor: Network, observation: readonly number[], noise: readonly number[]) {
  const told = perceptron(actor, observation)
  const drawn = noise.map((epsilon, index) => {
    const deviation = Math.exp(Math.min(2, Math.max(-20, told[noise.length + index] ?? 0)))
    const mean = told[index] ?? 0
    const u = mean + deviation * epsilon
    const density =
      Math.exp(-0.5 * ((u - mean) / deviation) ** 2) / (deviation * Math.sqrt(2 * Math.PI))
    return { action: Math.tanh(u), logLikelihood: Math.log(density * Math.cosh(u) ** 2) }
  })
  return {
    action: drawn.map(({ action }) => action),
    logLikelihood: drawn.reduce((sum, { logLikelihood }) => sum + logLikelihood, 0),
  }
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length

function value(critic: Network, observation: readonly number[], action: readonly number[]) {
  return perceptron(critic, [...observation, ...action])[0] ?? Number.NaN
}

/** Soft actor-critic in float64 and plain loops, its gradients central differences of its losses. */
export class SacReference {
  readonly actor: Network
  readonly critics: readonly Network[]
  readonly targets: readonly Network[]
  readonly #logTemperature = { value: Float64Array.of(0) }
  readonly #settings: SacSettings
  readonly #targetEntropy: number
  readonly #moments = new Map<Float64Array, { first: Float64Array; second: Float64Array }>()
  #step = 0

  constructor(
    networks: { readonly actor: Network; readonly critics: readonly Network[] },
    settings: SacSettings & { readonly targetEntropy: number },
  ) {
    this.actor = networks.actor
    this.critics = networks.critics
    this.targets = networks.critics.map(critic =>
      Object.fromEntries(Object.entries(critic).map(([name, values]) => [name, values.slice()])),
    )
    this.#settings = settings
    this.#targetEntropy = settings.targetEntropy
    this.#logTemperature.value[0] = Math.log(settings.initialTemperature)
  }

  /** One update of everything; the series that an update tells. */
  update(batch: ReferenceBatch): Readonly<Record<string, number>> {
    this.#step++
    const { learningRates, targetRate } = this.#settings
    const temperature = this.#temperature
    const goals = this.#goals(batch)
    const criticLosses = this.critics.map(critic => () => this.#criticLoss(critic, batch, goals))
    const values = batch.observation.map((observation, row) =>
      value(this.critics[0] ?? {}, observation, batch.action[row] ?? []),
    )
    const criticLossesBefore = criticLosses.map(loss => loss())
    for (const [index, critic] of this.critics.entries()) {
      this.#move(critic, criticLosses[index] ?? (() => Number.NaN), learningRates.critic)
    }
    const actorLoss = this.#actorLoss(batch, temperature)
    const logLikelihood = mean(
      batch.observation.map((observation, row) => {
        return draw(this.actor, observation, batch.noise[row] ?? []).logLikelihood
      }),
    )
    const temperatureLoss = () => -this.#temperature * (logLikelihood + this.#targetEntropy)
    const temperatureLossBefore = temperatureLoss()
    this.#move(this.actor, () => this.#actorLoss(batch, temperature), learningRates.actor)
    this.#move(this.#logTemperature, temperatureLoss, learningRates.temperature)
    for (const [index, target] of this.targets.entries()) {
      for (const [name, values] of Object.entries(target)) {
        for (const [place, old] of values.entries()) {
          const moved = this.critics[index]?.[name]?.[place] ?? 0
          values[place] = (1 - targetRate) * old + targetRate * moved
        }
      }
    }
    return {
      criticLoss0: criticLossesBefore[0] ?? Number.NaN,
      criticLoss1: criticLossesBefore[1] ?? Number.NaN,
      actorLoss,
      temperatureLoss: temperatureLossBefore,
      temperature,
      entropy: -logLikelihood,
      value: mean(values),
    }
  }

  get #temperature(): number {
    return Math.exp(this.#logTemperature.value[0] ?? 0)
  }

  #goals(batch: ReferenceBatch): readonly number[] {
    return batch.next.map((next, row) => {
      const { action, logLikelihood } = draw(this.actor, next, batch.nextNoise[row] ?? [])
      const least = Math.min(...this.targets.map(target => value(target, next, action)))
      const soft = least - this.#temperature * logLikelihood
      const { discount } = this.#settings
      return (batch.reward[row] ?? 0) + discount * (batch.continues[row] ?? 0) * soft
    })
  }

  #criticLoss(critic: Network, batch: ReferenceBatch, goals: readonly number[]): number {
    const errors = batch.observation.map((observation, row) => {
      return value(critic, observation, batch.action[row] ?? []) - (goals[row] ?? 0)
    })
    return mean(errors.map(error => error ** 2 / 2))
  }

  #actorLoss(batch: ReferenceBatch, temperature: number): number {
    return mean(
      batch.observation.map((observation, row) => {
        const { action, logLikelihood } = draw(this.actor, observation, batch.noise[row] ?? [])
        const least = Math.min(...this.critics.map(critic => value(critic, observation, action)))
        return temperature * logLikelihood - least
      }),
    )
  }

  /** Adam in the textbook's form (Kingma and Ba 2015, algorithm 1). */
  #move(network: Network, loss: () => number, rate: number): void {
    const gradients = Object.values(network).map(values => ({
      values,
      gradient: values.map((held, place) => {
        const at = (shifted: number) => {
          values[place] = shifted
          return loss()
        }
        const slope = (at(held + STEP) - at(held - STEP)) / (2 * STEP)
        values[place] = held
        return slope
      }),
    }))
    for (const { values, gradient } of gradients) {
      const count = values.length
      const held = this.#moments.get(values) ?? {
        first: new Float64Array(count),
        second: new Float64Array(count),
      }
      this.#moments.set(values, held)
      for (const [place, g] of gradient.entries()) {
        const first = 0.9 * (held.first[place] ?? 0) + 0.1 * g
        const second = 0.999 * (held.second[place] ?? 0) + 0.001 * g * g
        held.first[place] = first
        held.second[place] = second
        const corrected = first / (1 - 0.9 ** this.#step)
        const scale = Math.sqrt(second / (1 - 0.999 ** this.#step)) + 1e-8
        values[place] = (values[place] ?? 0) - (rate * corrected) / scale
      }
    }
  }
}
