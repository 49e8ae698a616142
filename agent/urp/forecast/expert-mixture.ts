/** How fast weight leaves a worse expert: a round's error of one scale costs a factor e². */
const LEARNING_RATE = 2
/** Share of the past errors that counts one round later: other times have other best experts. */
const MEMORY_PER_ROUND = 0.985
/** In scales: the first move of a row that stood still must not decide all that follows. */
const ERROR_MAX = 10

// Exponentially weighted average (Cesa-Bianchi and Lugosi, Prediction, Learning, and Games, 2006,
// 2.1) with the absolute error in units of the row's scale s, discounted (2.11):
//
//   L_i = λ L_i + |f_i - y| / s,   w_i = exp(-η L_i) / Σ_j exp(-η L_j),   f = Σ_i w_i f_i

/** Mixes what experts say by how far off each was lately. One that says nothing (NaN) has no weight. */
export class ExpertMixture {
  readonly #losses: Float64Array

  /** Losses to begin with, below 0 for an expert that has proved itself elsewhere. */
  constructor(losses: readonly number[]) {
    this.#losses = Float64Array.from(losses)
  }

  /** Head starts: an expert's loss counts so much less now, by what is known of the row. */
  mix(forecasts: readonly number[], headStarts: readonly number[]): number {
    const weights = this.#weights(forecasts, headStarts)
    const sum = weights.reduce((total, weight) => total + weight, 0)
    const mixed = forecasts.reduce(
      (total, forecast, i) => (weights[i] ? total + (weights[i] / sum) * forecast : total),
      0,
    )
    return sum > 0 ? mixed : Number.NaN
  }

  /** Index of the expert with the most weight. */
  leader(forecasts: readonly number[], headStarts: readonly number[]): number {
    const weights = this.#weights(forecasts, headStarts)
    return weights.indexOf(Math.max(...weights))
  }

  /** Share: how much of a round this observation counts for. */
  learn(
    forecasts: readonly number[],
    seen: {
      readonly value: number
      readonly scale: number
      readonly share: number
      readonly age: number
    },
  ): void {
    const memory = MEMORY_PER_ROUND ** seen.age
    const errors = forecasts.map(forecast =>
      Math.min(ERROR_MAX, Math.abs(forecast - seen.value) / seen.scale),
    )
    // One that says nothing yet is taken for as bad as the worst, not for perfect.
    const worst = Math.max(0, ...errors.filter(error => !Number.isNaN(error)))
    for (const [i, error] of errors.entries()) {
      const loss = Number.isNaN(error) ? worst : error
      this.#losses[i] = memory * (this.#losses[i] ?? 0) + seen.share * loss
    }
  }

  #weights(forecasts: readonly number[], headStarts: readonly number[]): number[] {
    const losses = Array.from(this.#losses, (loss, i) => loss - (headStarts[i] ?? 0))
    const least = Math.min(...losses)
    return forecasts.map((forecast, i) =>
      Number.isNaN(forecast) ? 0 : Math.exp(-LEARNING_RATE * ((losses[i] ?? 0) - least)),
    )
  }
}
