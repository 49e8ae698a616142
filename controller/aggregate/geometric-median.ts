import { GainnetError } from '../../runtime/errors.ts'
import type { AggregationRule } from './aggregation-rule.ts'
import type { WeightedParameters } from './fed-avg.ts'
import { fedAvg } from './fed-avg.ts'
import { squaredDistance } from './squared-distance.ts'

/** Smoothed Weiszfeld steps converge in a few (Pillutla et al. 2022, figure 4: three suffice). */
const STEPS_MAX = 32
/** Relative movement below which float32 parameters no longer change. */
const MOVEMENT_MIN = 1e-6
/** ν of the smoothing, relative to the mean distance: an update that is the median itself divides by it. */
const SMOOTHING = 1e-6

/**
 * The point with the least weighted sum of distances to the updates (RFA, Pillutla et al. 2022,
 * algorithm 2), weights being example counts: holds while liars have less than half of the weight.
 */
export const geometricMedian: AggregationRule = ({ updates }) => {
  if (updates.length === 0) throw new GainnetError('ROUND_FAILED', 'there is no update')
  let point = fedAvg(updates)
  for (let step = 0; step < STEPS_MAX; step++) {
    const next = weiszfeldStep(point, updates)
    const moved = Math.sqrt(squaredDistance(next, point))
    const size = Math.sqrt(squaredDistance(point, new Float32Array(point.length)))
    point = next
    if (moved <= MOVEMENT_MIN * size) break
  }
  return { parameters: point, moments: [], leftOut: [] }
}

/** w ← Σ_k β_k w_k with β_k ∝ n_k / max(ν, ‖w − w_k‖). */
function weiszfeldStep(point: Float32Array, updates: readonly WeightedParameters[]): Float32Array {
  const distances = updates.map(({ parameters }) => Math.sqrt(squaredDistance(parameters, point)))
  const meanDistance = distances.reduce((sum, one) => sum + one, 0) / updates.length
  if (meanDistance === 0) return point
  return fedAvg(
    updates.map(({ parameters, exampleCount }, index) => ({
      parameters,
      exampleCount: exampleCount / Math.max(SMOOTHING * meanDistance, distances[index] ?? 0),
    })),
  )
}
