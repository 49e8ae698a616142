import { type ChannelRows, checkChannelRows } from './channel-gains.ts'
import { waterFill } from './water-filling.ts'

/**
 * What a denoiser learns from, a row for each state of the channels: what the allocation is for, and
 * the allocation of the expert.
 */
export interface PowerPairs {
  /** ln(gain · budget) of each channel. */
  readonly conditions: Float32Array
  /** channels · share of each channel: 1 is the even share. */
  readonly samples: Float32Array
}

/** Beyond it a gain is as good as 0 or as infinite: the level is e²⁰ apart. */
const LOG_GAIN_MAX = 20

/** Only gain times budget counts for shares, so that one model serves every budget. */
export function powerConditions({ gains, budget }: ChannelRows): Float32Array {
  const conditions = new Float32Array(gains.length)
  for (let place = 0; place < gains.length; place++) {
    const logarithm = Math.log((gains[place] ?? 0) * budget)
    conditions[place] = Math.max(-LOG_GAIN_MAX, Math.min(LOG_GAIN_MAX, logarithm))
  }
  return conditions
}

/** Pairs of given channels and the exact solution. */
export function expertPairs(rows: ChannelRows): PowerPairs {
  checkChannelRows(rows)
  const { channels, budget } = rows
  const scale = channels / budget
  const samples = Float32Array.from(waterFill(rows), power => scale * power)
  return { conditions: powerConditions(rows), samples }
}

/** All rows of both. */
export function joinPairs(first: PowerPairs, second: PowerPairs): PowerPairs {
  const join = (a: Float32Array, b: Float32Array): Float32Array => {
    const joined = new Float32Array(a.length + b.length)
    joined.set(a)
    joined.set(b, a.length)
    return joined
  }
  return {
    conditions: join(first.conditions, second.conditions),
    samples: join(first.samples, second.samples),
  }
}
