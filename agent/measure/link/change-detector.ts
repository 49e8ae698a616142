import { median } from 'simple-statistics'

/** Below the factor of two that must be seen, above the noise of a small train. */
const FACTOR = 1.5
const READINGS_KEPT = 8

export type Verdict = 'same' | 'doubtful' | 'changed'

/**
 * Sees by small readings that a rate has changed. Readings are compared with those before, not with
 * the goodput: what a small train is too high or too low by is the same each time. One reading that
 * is off by the factor is doubtful, a second one on the same side is a change. Pure.
 */
export class ChangeDetector {
  #readings: number[] = []
  #doubt: 'up' | 'down' | undefined

  /** Undefined readings say nothing. */
  add(bitsPerSecond: number | undefined): Verdict {
    if (bitsPerSecond === undefined || !(bitsPerSecond > 0)) return 'same'
    const side = this.#sideOf(bitsPerSecond)
    if (side === undefined) {
      this.#doubt = undefined
      this.#readings = [...this.#readings, bitsPerSecond].slice(-READINGS_KEPT)
      return 'same'
    }
    if (this.#doubt !== side) {
      this.#doubt = side
      return 'doubtful'
    }
    this.#doubt = undefined
    this.#readings = [bitsPerSecond]
    return 'changed'
  }

  /** The readings that come are of another kind than those before. */
  reset(): void {
    this.#readings = []
    this.#doubt = undefined
  }

  #sideOf(bitsPerSecond: number): 'up' | 'down' | undefined {
    if (this.#readings.length === 0) return undefined
    const usual = median(this.#readings)
    if (bitsPerSecond > usual * FACTOR) return 'up'
    return bitsPerSecond < usual / FACTOR ? 'down' : undefined
  }
}
