import { median } from './median.ts'

/** As far back as a season or a median looks. */
export const ROUNDS_KEPT = 24

/**
 * The latest parts of the rounds, one after the other, each with the mean of the round's length that
 * ends with it. Not measured is NaN. The memory is fixed: 24 rounds, of ten parts each at most.
 */
export class RecentParts {
  readonly partsPerRound: number
  readonly #parts: Float64Array
  readonly #means: Float64Array
  #count = 0
  #largest = 0

  constructor(partsPerRound: number) {
    this.partsPerRound = partsPerRound
    this.#parts = new Float64Array((ROUNDS_KEPT + 1) * partsPerRound).fill(Number.NaN)
    this.#means = this.#parts.slice()
  }

  push(part: number): void {
    const place = this.#count++ % this.#parts.length
    const dropped = this.#parts[place] ?? Number.NaN
    this.#parts[place] = part
    if (part >= this.#largest) this.#largest = part
    else if (dropped === this.#largest) this.#largest = largestOf(this.#parts)
    this.#means[place] = this.#meanOfLatest()
  }

  /** Mean of the round that ended `roundsAgo` rounds before the latest part. */
  roundMean(roundsAgo: number): number {
    return at(this.#means, this.#count - 1 - roundsAgo * this.partsPerRound)
  }

  /** Median of the latest `rounds` rounds as far as they are known; NaN where none is. */
  roundMedian(rounds: number): number {
    return median(Array.from({ length: rounds }, (_, roundsAgo) => this.roundMean(roundsAgo)))
  }

  /** How far apart the parts of a round are at most, as far as they are known; NaN where none is. */
  changeWithin(roundsAgo: number): number {
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (let ago = 0; ago < this.partsPerRound; ago++) {
      const part = at(this.#parts, this.#count - 1 - roundsAgo * this.partsPerRound - ago)
      if (part < least) least = part
      if (part > most) most = part
    }
    return most >= least ? most - least : Number.NaN
  }

  /** The largest part that is remembered. */
  get largest(): number {
    return this.#largest
  }

  /** A round of which less than half is known has no mean. */
  #meanOfLatest(): number {
    let sum = 0
    let known = 0
    for (let ago = 0; ago < this.partsPerRound; ago++) {
      const part = at(this.#parts, this.#count - 1 - ago)
      if (Number.isNaN(part)) continue
      sum += part
      known++
    }
    return known * 2 >= this.partsPerRound ? sum / known : Number.NaN
  }
}

/** Entry of a ring; NaN before its first. One that has been overwritten is never asked for. */
function at(ring: Float64Array, index: number): number {
  return index < 0 ? Number.NaN : (ring[index % ring.length] ?? Number.NaN)
}

function largestOf(ring: Float64Array): number {
  let largest = 0
  for (const part of ring) if (part > largest) largest = part
  return largest
}
