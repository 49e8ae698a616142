import type { AggregationRule } from './aggregation-rule.ts'
import { fedAvg } from './fed-avg.ts'

/** Of the optimizer that the controller runs on the mean change (Reddi et al. 2021, algorithm 2). */
export interface ServerOptimizerOptions {
  /** Step size η. */
  readonly learningRate: number
  /** β₁, share of the first moment that stays. */
  readonly momentum: number
  /** β₂, share of the second moment that stays. */
  readonly secondMomentum: number
  /** τ, degree of adaptivity: added to the root of the second moment. */
  readonly adaptivity: number
}

/** Second moment after a change Δ. */
type SecondMoment = (before: number, change: number) => number

/** m ← β₁ m + Δ, w ← w + η m (Hsu et al. 2019, section 4). */
export function fedAvgM({
  learningRate,
  momentum,
}: Pick<ServerOptimizerOptions, 'learningRate' | 'momentum'>): AggregationRule {
  return ({ current, updates, moments }) => {
    const mean = fedAvg(updates)
    const [before] = moments
    const velocity = mean.map(
      (value, at) => momentum * (before?.[at] ?? 0) + value - (current[at] ?? 0),
    )
    const parameters = current.map((value, at) => value + learningRate * (velocity[at] ?? 0))
    return { parameters, moments: [velocity], leftOut: [] }
  }
}

/** v ← β₂ v + (1 − β₂) Δ² */
export function fedAdam(options: ServerOptimizerOptions): AggregationRule {
  const { secondMomentum: beta2 } = options
  return adaptive(options, (before, change) => beta2 * before + (1 - beta2) * change * change)
}

/** v ← v − (1 − β₂) Δ² sign(v − Δ²): grows as Adam's does, but shrinks no faster than Δ². */
export function fedYogi(options: ServerOptimizerOptions): AggregationRule {
  const { secondMomentum: beta2 } = options
  return adaptive(options, (before, change) => {
    const square = change * change
    return before - (1 - beta2) * square * Math.sign(before - square)
  })
}

/** m ← β₁ m + (1 − β₁) Δ, v by the rule, w ← w + η m / (√v + τ); v starts at τ². */
function adaptive(options: ServerOptimizerOptions, secondMoment: SecondMoment): AggregationRule {
  const { learningRate, momentum, adaptivity } = options
  return ({ current, updates, moments: [firstBefore, secondBefore] }) => {
    const mean = fedAvg(updates)
    const first = new Float32Array(current.length)
    const second = new Float32Array(current.length)
    const parameters = new Float32Array(current.length)
    for (const [at, value] of current.entries()) {
      const change = (mean[at] ?? 0) - value
      const m = momentum * (firstBefore?.[at] ?? 0) + (1 - momentum) * change
      const v = secondMoment(secondBefore?.[at] ?? adaptivity ** 2, change)
      first[at] = m
      second[at] = v
      parameters[at] = value + (learningRate * m) / (Math.sqrt(v) + adaptivity)
    }
    return { parameters, moments: [first, second], leftOut: [] }
  }
}
