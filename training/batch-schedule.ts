import { type Random, seededRandom, shuffle } from '../runtime/seeded-random.ts'

export interface ScheduledBatches {
  /** [steps, batch] row numbers of the data set. */
  readonly rows: Int32Array
  /** [steps, batch]: each sample's weight, or 0 for rows that only fill up the last batch of an epoch. */
  readonly weights: Float32Array
}

/** Which samples each step takes: all once an epoch, in an order shuffled anew from the seed. */
export class BatchSchedule {
  readonly stepsPerEpoch: number
  readonly #batch: number
  readonly #order: Int32Array
  readonly #random: Random
  readonly #sampleWeights: Float32Array | undefined
  #next = 0

  constructor(options: {
    readonly sampleCount: number
    readonly batch: number
    readonly seed: number
    /** All 1 where left out. */
    readonly sampleWeights?: Float32Array | undefined
  }) {
    const { sampleCount, batch, seed, sampleWeights } = options
    if (sampleCount < 1) throw new RangeError('there are no samples')
    this.stepsPerEpoch = Math.ceil(sampleCount / batch)
    this.#batch = batch
    this.#order = Int32Array.from({ length: sampleCount }, (_, row) => row)
    this.#random = seededRandom(seed)
    this.#sampleWeights = sampleWeights
  }

  next(steps: number): ScheduledBatches {
    const rows = new Int32Array(steps * this.#batch)
    const weights = new Float32Array(steps * this.#batch)
    for (let start = 0; start < rows.length; start += this.#batch) {
      if (this.#next === 0) shuffle(this.#order, this.#random)
      const taken = this.#order.subarray(this.#next, this.#next + this.#batch)
      rows.set(taken, start)
      this.#weigh(taken, weights.subarray(start, start + taken.length))
      const end = this.#next + taken.length
      this.#next = end === this.#order.length ? 0 : end
    }
    return { rows, weights }
  }

  #weigh(rows: Int32Array, weights: Float32Array): void {
    const given = this.#sampleWeights
    if (!given) weights.fill(1)
    else for (const [place, row] of rows.entries()) weights[place] = given[row] ?? 0
  }
}
