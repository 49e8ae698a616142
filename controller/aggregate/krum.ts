import { GainnetError } from '../../runtime/errors.ts'
import type { AggregationRule } from './aggregation-rule.ts'
import { fedAvg } from './fed-avg.ts'
import { squaredDistance } from './squared-distance.ts'

/**
 * Multi-Krum (Blanchard et al. 2017, sections 3 and 5): the mean of the `kept` updates whose n − f − 2
 * nearest others are nearest, which tolerates f = `liarsMax` liars out of n ≥ 2 f + 3. With
 * `kept` 1 it is Krum, which takes one update as it is.
 */
export function multiKrum({
  liarsMax,
  kept,
}: {
  readonly liarsMax: number
  readonly kept: number
}): AggregationRule {
  return ({ updates }) => {
    const needed = 2 * liarsMax + 3
    if (updates.length < needed) {
      throw new GainnetError(
        'ROUND_FAILED',
        `${updates.length} updates came: Krum against ${liarsMax} liars needs ${needed}`,
        { updates: updates.length, needed },
      )
    }
    const neighbours = updates.length - liarsMax - 2
    const ranked = updates
      .map(({ parameters }, index) => {
        const distances = updates.flatMap((other, otherIndex) =>
          otherIndex === index ? [] : [squaredDistance(parameters, other.parameters)],
        )
        distances.sort((a, b) => a - b)
        const score = distances.slice(0, neighbours).reduce((sum, one) => sum + one, 0)
        return { index, score }
      })
      .sort((a, b) => a.score - b.score || a.index - b.index)
    // Of more the mean would take in the liars again.
    const chosen = new Set(ranked.slice(0, Math.min(kept, neighbours)).map(({ index }) => index))
    return {
      parameters: fedAvg(updates.filter((_, index) => chosen.has(index))),
      moments: [],
      leftOut: updates.flatMap((_, index) => (chosen.has(index) ? [] : [index])),
    }
  }
}
