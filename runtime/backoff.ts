import type { Random } from './seeded-random.ts'

/**
 * Waiting times that double up to a limit, with jitter, so that a fleet that lost its broker
 * at one moment does not come back at one moment (M. Brooker, "Exponential Backoff and Jitter").
 */
export class Backoff {
  readonly #firstMs: number
  readonly #limitMs: number
  readonly #random: Random
  #attempt = 0

  constructor(options: {
    readonly firstMs: number
    readonly limitMs: number
    readonly random: Random
  }) {
    this.#firstMs = options.firstMs
    this.#limitMs = options.limitMs
    this.#random = options.random
  }

  get attempt(): number {
    return this.#attempt
  }

  /** Half of the doubled time is certain, the other half is chance: never zero, never in step. */
  nextMs(): number {
    const ceiling = Math.min(this.#limitMs, this.#firstMs * 2 ** Math.min(this.#attempt, 30))
    this.#attempt += 1
    return ceiling / 2 + (this.#random() * ceiling) / 2
  }

  reset(): void {
    this.#attempt = 0
  }
}
