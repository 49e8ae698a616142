/** Beyond so many mean deviations, on one side, a part is not of this level. */
const APART = 4
/** So many such parts one after the other are another level, and fewer are a dip. */
const PARTS_APART = 3
/** Rounds that a level is averaged over at most: levels drift. */
const ROUNDS_MAX = 4
/** Per part, of the mean deviation. */
const DEVIATION_GAIN = 0.05

// Change point detection on the run of one-sided outliers, in the spirit of a cumulative sum test
// (Page 1954): the level is the mean since the last change, and a change is seen when three parts in
// turn lie more than four mean deviations off on one side. Their mean is the new level.

/** Level of a row that stays as it is for a time and then jumps. */
export class StepLevel {
  readonly #countMax: number
  #level = Number.NaN
  #count = 0
  #deviation = 0
  #outside: number[] = []

  constructor(partsPerRound: number) {
    this.#countMax = ROUNDS_MAX * partsPerRound
  }

  push(part: number): void {
    if (Number.isNaN(this.#level)) this.#begin([part])
    else if (this.#isOutside(part)) this.#noteOutside(part)
    else this.#noteInside(part)
  }

  /** NaN before the first part. */
  get value(): number {
    return this.#level
  }

  #isOutside(part: number): boolean {
    return Math.abs(part - this.#level) > APART * this.#deviation
  }

  #noteOutside(part: number): void {
    const [first] = this.#outside
    if (first !== undefined && first > this.#level !== part > this.#level) this.#outside = []
    this.#outside.push(part)
    // What is outside widens what is inside, as little as the farthest part inside would.
    this.#learnDeviation(APART * this.#deviation + 0.1 * Math.abs(part - this.#level))
    if (this.#outside.length >= PARTS_APART) this.#begin(this.#outside)
  }

  #noteInside(part: number): void {
    this.#outside = []
    this.#learnDeviation(Math.abs(part - this.#level))
    this.#count = Math.min(this.#count + 1, this.#countMax)
    this.#level += (part - this.#level) / this.#count
  }

  #learnDeviation(distance: number): void {
    this.#deviation += DEVIATION_GAIN * (distance - this.#deviation)
  }

  #begin(parts: readonly number[]): void {
    this.#level = parts.reduce((sum, part) => sum + part, 0) / parts.length
    this.#count = parts.length
    this.#outside = []
  }
}
