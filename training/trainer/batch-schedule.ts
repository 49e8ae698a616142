import { seededRandom, shuffle } from '../../runtime/seeded-random.ts'

export interface ScheduledBatches {
  /** [steps, batch] row numbers of the data set. */
  readonly rows: Int32Array
  /** [steps, batch]: each sample's weight, or 0 for rows that only fill up the last batch of an epoch. */
  readonly weights: Float32Array
}

/** Spreads the seeds of epochs over all 32 bits: 2^32 over the golden ratio (Knuth, TAOCP 3, 6.4). */
const EPOCH_STRIDE = 0x9e3779b1

/**
 * Which samples each step takes: all once an epoch, in an order shuffled anew. The order is of seed
 * and epoch alone, so that any step can be gone to: a resumed run takes the samples it would have
 * taken.
 */
export class BatchSchedule {
  readonly stepsPerEpoch: number
  readonly #batch: number
  readonly #seed: number
  readonly #order: Int32Array
  readonly #sampleWeights: Float32Array | undefined
  /** Of which `#order` is; none at first. */
  #epoch = -1

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
    this.#seed = seed
    this.#order = new Int32Array(sampleCount)
    this.#sampleWeights = sampleWeights
  }

  /** The batches of `steps` steps, after `done` steps; the first step comes after 0. */
  take(done: number, steps: number): ScheduledBatches {
    const rows = new Int32Array(steps * this.#batch)
    const weights = new Float32Array(steps * this.#batch)
    for (let step = 0; step < steps; step++) {
      const taken = this.#rowsOf(done + step)
      const start = step * this.#batch
      rows.set(taken, start)
      this.#weigh(taken, weights.subarray(start, start + taken.length))
    }
    return { rows, weights }
  }

  #rowsOf(step: number): Int32Array {
    this.#enterEpoch(Math.floor(step / this.stepsPerEpoch))
    const start = (step % this.stepsPerEpoch) * this.#batch
    return this.#order.subarray(start, start + this.#batch)
  }

  #enterEpoch(epoch: number): void {
    if (epoch === this.#epoch) return
    this.#epoch = epoch
    for (let row = 0; row < this.#order.length; row++) this.#order[row] = row
    shuffle(this.#order, seededRandom(this.#seed + Math.imul(epoch, EPOCH_STRIDE)))
  }

  #weigh(rows: Int32Array, weights: Float32Array): void {
    const given = this.#sampleWeights
    if (!given) weights.fill(1)
    else for (const [place, row] of rows.entries()) weights[place] = given[row] ?? 0
  }
}
