import { median } from 'simple-statistics'

/** Rounds that are looked back: what was wrong with a sensor is forgotten as soon as it is mended. */
const ROUNDS_KEPT = 5
/** A sensor that delivers nothing is asked again, with hardly anything expected of it. */
const FACTOR_MIN = 0.1

/**
 * What sensors delivered of what their URPs had promised, round by round. The next URP promises so
 * much less, never more: a sensor that does better says so by its own figures.
 */
export class DeliveredRows {
  readonly #shares = new Map<string, number[]>()

  note(sensor: string, o: { readonly delivered: number; readonly promised: number }): void {
    // Slots that were over before they began say nothing.
    if (!(o.promised >= 1)) return
    const shares = this.#shares.get(sensor) ?? []
    this.#shares.set(sensor, [...shares, o.delivered / o.promised].slice(-ROUNDS_KEPT))
  }

  /** By which the rate of the sensor is to be multiplied, FACTOR_MIN to 1. */
  factor(sensor: string): number {
    const shares = this.#shares.get(sensor)
    return shares ? Math.min(1, Math.max(FACTOR_MIN, median(shares))) : 1
  }
}
