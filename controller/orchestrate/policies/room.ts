import type { PolicyContext } from './policy.ts'

/** Devices that each model still takes in this round. */
export class Room {
  readonly #left: Float64Array | null

  constructor({ capacities }: PolicyContext) {
    this.#left = capacities === undefined ? null : Float64Array.from(capacities)
  }

  has(model: number): boolean {
    return this.#left === null || (this.#left[model] ?? 0) >= 1
  }

  take(model: number): void {
    if (this.#left !== null) this.#left[model] = (this.#left[model] ?? 0) - 1
  }
}
