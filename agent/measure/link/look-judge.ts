import { ChangeDetector } from './change-detector.ts'

export type LookVerdict = 'same' | 'doubtful' | 'changed' | 'blind'

/** A look agrees with the goodput up to this factor either way: below the two that must be seen. */
const AGREES_FACTOR = 1.8
/** A train at more than this times the goodput rode on tokens that a shaper had saved. */
const BLIND_FACTOR = 4
/** Two looks that disagree with the goodput, but not with each other, are a change. */
const SAME_SHARE = 0.25

/**
 * What the looks at one direction of a link say. After each measurement the first look is held
 * against it; from then on looks are held against looks, since what they are too high or too low by is
 * the same each time. Pure.
 */
export class LookJudge {
  readonly #detector = new ChangeDetector()
  #isCalibrated = false
  #suspect: number | undefined

  /** The link was measured anew, or the looks are of another kind. */
  recalibrate(): void {
    this.#detector.reset()
    this.#isCalibrated = false
    this.#suspect = undefined
  }

  /** `blind` is said of trains only: a longer one is needed. Undefined looks say nothing. */
  judge(o: {
    readonly rate: number | undefined
    readonly goodput: number | undefined
    readonly isTrain: boolean
  }): LookVerdict {
    const { rate, goodput, isTrain } = o
    if (rate === undefined || goodput === undefined) return 'same'
    if (this.#isCalibrated) return this.#detector.add(rate)
    const ratio = rate / goodput
    // A short transfer is too slow by how long its slow start is.
    const agrees = isTrain ? ratio <= AGREES_FACTOR && ratio >= 1 / AGREES_FACTOR : true
    if (agrees) return this.#calibrate(rate, 'same')
    if (ratio > BLIND_FACTOR) return 'blind'
    const isRepeated =
      this.#suspect !== undefined && Math.abs(rate / this.#suspect - 1) < SAME_SHARE
    if (isRepeated) return this.#calibrate(rate, 'changed')
    this.#suspect = rate
    return 'doubtful'
  }

  #calibrate(rate: number, verdict: LookVerdict): LookVerdict {
    this.recalibrate()
    this.#isCalibrated = true
    this.#detector.add(rate)
    return verdict
  }
}
