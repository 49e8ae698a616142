import { medianSorted } from 'simple-statistics'

export interface Correction {
  /** Real over predicted. */
  readonly factor: number
  /** Median distance of log(real / predicted) from its median: 0.05 is five percent. */
  readonly spread: number
  readonly n: number
}

/** Runs that are remembered: heat and governors change a board within hours, not within runs. */
const REMEMBERED = 15
/** How much a run counts against the one after it. */
const FADING = 0.85
/** A run that was off by more than that was not measured but broken: a clock, a suspended board. */
const RATIO_MAX = 1000

/**
 * What the cost model leaves out of one model on one board, learned from runs that took place: the
 * weighted median of log(real / predicted), newer runs with more weight, so that one run beside a
 * noisy neighbour moves it little.
 */
export class StepCorrection {
  readonly #logs: number[] = []

  /** Figures that cannot be are left out. */
  learn({ real, predicted }: { readonly real: number; readonly predicted: number }): void {
    const ratio = real / predicted
    if (!(ratio > 1 / RATIO_MAX && ratio < RATIO_MAX)) return
    this.#logs.push(Math.log(ratio))
    if (this.#logs.length > REMEMBERED) this.#logs.shift()
  }

  /** Undefined before the first run. */
  get current(): Correction | undefined {
    const n = this.#logs.length
    if (n === 0) return undefined
    const weighted = this.#logs.map((value, index) => ({
      value,
      weight: FADING ** (n - 1 - index),
    }))
    const middle = weightedMedian(weighted)
    const distances = this.#logs.map(value => Math.abs(value - middle)).sort((a, b) => a - b)
    return { factor: Math.exp(middle), spread: medianSorted(distances), n }
  }
}

interface Weighted {
  readonly value: number
  readonly weight: number
}

/** Half of the weight lies on either side; between two values where the half falls between them. */
function weightedMedian(given: readonly Weighted[]): number {
  const sorted = given.toSorted((a, b) => a.value - b.value)
  const half = sorted.reduce((sum, { weight }) => sum + weight, 0) / 2
  let below = 0
  for (const [index, { value, weight }] of sorted.entries()) {
    below += weight
    if (below > half) return value
    if (below === half) return (value + (sorted[index + 1]?.value ?? value)) / 2
  }
  return sorted.at(-1)?.value ?? Number.NaN
}
