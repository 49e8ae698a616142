import { GainnetError } from '../../runtime/errors.ts'

/** A device's parallel channels, resource blocks say, of many devices row after row. */
export interface ChannelRows {
  /** Signal to noise ratio of a channel for each unit of power: |h|² over the noise in the channel. */
  readonly gains: Float64Array
  /** Channels of a row. */
  readonly channels: number
  /** Power that the channels of one row share, in the unit that gains are for. */
  readonly budget: number
  /** The most that each channel may have, like `gains`; the whole budget where left out. */
  readonly caps?: Float64Array
}

/** Fails with DATA_INVALID where a figure is none, and with its place; tells the number of rows. */
export function checkChannelRows({ gains, channels, budget, caps }: ChannelRows): number {
  if (!Number.isInteger(channels) || channels < 1) refuse(`${channels} channels`)
  if (gains.length === 0 || gains.length % channels !== 0) {
    refuse(`${gains.length} gains are no rows of ${channels} channels`)
  }
  if (!Number.isFinite(budget) || budget < 0) refuse(`a power budget of ${budget}`)
  checkNumbers('gain', gains)
  if (caps === undefined) return gains.length / channels
  if (caps.length !== gains.length) refuse(`${caps.length} caps for ${gains.length} gains`)
  checkNumbers('cap', caps)
  return gains.length / channels
}

function checkNumbers(what: string, values: Float64Array): void {
  for (let place = 0; place < values.length; place++) {
    const value = values[place] ?? Number.NaN
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      refuse(`the ${what} at ${place} is ${value}: a finite number of at least 0 is needed`, place)
    }
  }
}

function refuse(message: string, place?: number): never {
  throw new GainnetError('DATA_INVALID', `power allocation: ${message}`, { place })
}

/** Bit/s/Hz of one row: Σ log₂(1 + gᵢ pᵢ) (Du et al. 2024, the objective of the case study). */
export function sumRate(gains: ArrayLike<number>, powers: ArrayLike<number>): number {
  let rate = 0
  for (let channel = 0; channel < gains.length; channel++) {
    rate += Math.log1p((gains[channel] ?? 0) * (powers[channel] ?? 0))
  }
  return rate / Math.LN2
}

/** The sum of the rates of all rows. */
export function totalRate(gains: Float64Array, powers: Float64Array): number {
  return sumRate(gains, powers)
}
