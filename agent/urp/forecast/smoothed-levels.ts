/** Half-lives in rounds: from a glance at the latest slots to a long memory. */
const HALF_LIVES = [0.2, 0.4, 0.8, 1.6, 3.2, 6.4] as const

// Exponential smoothing (Brown 1959), one level a half-life h in parts:
//
//   level += (1 - 2^(-1/h)) (x - level),   level = x at the first x

/** Exponentially smoothed levels of one row, short to long; what is missing changes none. */
export class SmoothedLevels {
  readonly #gains: readonly number[]
  readonly #levels: number[] = []

  constructor(partsPerRound: number) {
    this.#gains = HALF_LIVES.map(rounds => 1 - 2 ** (-1 / (rounds * partsPerRound)))
  }

  push(part: number): void {
    for (const [index, gain] of this.#gains.entries()) {
      const level = this.#levels[index] ?? part
      this.#levels[index] = level + gain * (part - level)
    }
  }

  /** In the order of the half-lives. */
  get values(): readonly number[] {
    return this.#levels
  }
}
