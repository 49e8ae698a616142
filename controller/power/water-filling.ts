import { type ChannelRows, checkChannelRows } from './channel-gains.ts'
import { fillLevel } from './level-filling.ts'

/**
 * The allocation of the greatest sum rate, row by row: pᵢ = (μ − 1/gᵢ)⁺ with Σ pᵢ = budget, below the
 * caps where there are some (Cover and Thomas 2006, section 9.4). Exact. Where all gains of a row are
 * 0 nothing can be gained, and its power is spread evenly.
 */
export function waterFill(rows: ChannelRows): Float64Array {
  checkChannelRows(rows)
  return rows.caps === undefined ? fillFreely(rows) : fillBelowCaps(rows, rows.caps)
}

/** Every channel alike; what caps keep out of one goes evenly to the others. */
export function averagePower(rows: ChannelRows): Float64Array {
  checkChannelRows(rows)
  const { gains, channels, budget, caps } = rows
  if (caps === undefined) return new Float64Array(gains.length).fill(budget / channels)
  return byRow(rows, caps, (floors, below) => {
    return fillLevel({ floors: floors.fill(0), caps: below, budget })
  })
}

/**
 * The feasible allocation nearest to a proposed one (Euclidean): none below 0, none above its cap, the
 * budget spent and not exceeded. What is no number counts as 0.
 */
export function nearestFeasible(proposed: Float64Array, rows: ChannelRows): Float64Array {
  checkChannelRows(rows)
  const { channels, budget } = rows
  const caps = rows.caps ?? new Float64Array(rows.gains.length).fill(budget)
  return byRow(rows, caps, (floors, below, from) => {
    for (let channel = 0; channel < channels; channel++) {
      const wish = proposed[from + channel] ?? 0
      floors[channel] = Number.isFinite(wish) ? -Math.min(budget, Math.max(-budget, wish)) : 0
    }
    return fillLevel({ floors, caps: below, budget })
  })
}

/**
 * By sorting the floors 1/g and raising the level channel by channel: with K channels above it,
 * μ = (budget + Σ 1/g) / K, and K is the last with μ > 1/g. Floors count from the lowest of the row,
 * so that the power is not lost in the rounding of a large one.
 */
function fillFreely({ gains, channels, budget }: ChannelRows): Float64Array {
  const powers = new Float64Array(gains.length)
  const floors = new Float64Array(channels)
  const sorted = new Float64Array(channels)
  for (let from = 0; from < gains.length; from += channels) {
    readFloors(floors, gains, from)
    sorted.set(floors)
    sorted.sort()
    let [sum, level] = [0, budget]
    for (let count = 2; count <= channels; count++) {
      sum += sorted[count - 1] ?? 0
      const raised = (budget + sum) / count
      if (!(raised > (sorted[count - 1] ?? 0))) break
      level = raised
    }
    for (let channel = 0; channel < channels; channel++) {
      powers[from + channel] = Math.max(0, level - (floors[channel] ?? 0))
    }
  }
  return powers
}

/** 1/g of one row, less the lowest; all 0 where no channel carries anything. */
function readFloors(floors: Float64Array, gains: Float64Array, from: number): void {
  let lowest = Number.POSITIVE_INFINITY
  for (let channel = 0; channel < floors.length; channel++) {
    const floor = 1 / (gains[from + channel] ?? 0)
    floors[channel] = floor
    if (floor < lowest) lowest = floor
  }
  if (lowest === Number.POSITIVE_INFINITY) floors.fill(0)
  else
    for (let channel = 0; channel < floors.length; channel++)
      floors[channel] = (floors[channel] ?? 0) - lowest
}

function fillBelowCaps(rows: ChannelRows, caps: Float64Array): Float64Array {
  const { gains, budget } = rows
  return byRow(rows, caps, (floors, below, from) => {
    readFloors(floors, gains, from)
    return fillLevel({ floors, caps: below, budget })
  })
}

function byRow(
  { gains, channels }: ChannelRows,
  caps: Float64Array,
  fill: (floors: Float64Array, caps: Float64Array, from: number) => Float64Array,
): Float64Array {
  const powers = new Float64Array(gains.length)
  const floors = new Float64Array(channels)
  for (let from = 0; from < gains.length; from += channels) {
    powers.set(fill(floors, caps.subarray(from, from + channels), from), from)
  }
  return powers
}
