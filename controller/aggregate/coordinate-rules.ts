import { GainnetError } from '../../runtime/errors.ts'
import type { AggregationRule } from './aggregation-rule.ts'

/** Middle of the sorted values of one parameter; `values` may be changed. */
type Middle = (sorted: Float32Array) => number

/**
 * Mean of each parameter without its `trimmedShare` greatest and least values (Yin et al. 2018,
 * definition 2): holds as long as fewer than that share of the devices lie. Each device counts once,
 * however many samples it says it has.
 */
export function trimmedMean({ trimmedShare }: { readonly trimmedShare: number }): AggregationRule {
  return coordinateRule(sorted => {
    const trimmed = Math.floor(sorted.length * trimmedShare)
    const kept = sorted.subarray(trimmed, sorted.length - trimmed)
    return kept.reduce((sum, value) => sum + value, 0) / kept.length
  })
}

/** Median of each parameter (Yin et al. 2018, definition 1). */
export const coordinateMedian: AggregationRule = coordinateRule(sorted => {
  const half = sorted.length >> 1
  const upper = sorted[half] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? Number.NaN)) / 2
})

function coordinateRule(middle: Middle): AggregationRule {
  return ({ current, updates }) => {
    if (updates.length === 0) throw new GainnetError('ROUND_FAILED', 'there is no update')
    const values = new Float32Array(updates.length)
    const parameters = current.map((_, at) => {
      for (const [index, update] of updates.entries()) values[index] = update.parameters[at] ?? 0
      return middle(values.sort())
    })
    return { parameters, moments: [], leftOut: [] }
  }
}
