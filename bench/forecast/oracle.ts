import { dot, leastAbsolute } from './least-absolute.ts'
import type { SeenRound } from './seen-rounds.ts'

/** In scales of a row: errors below are as good as none. */
const SMALL_ERROR = 0.02

/**
 * Sum of the absolute errors of the best fixed linear combination of all experts, chosen in hindsight
 * on the very rounds that it is judged by. No forecast can know it; what it cannot reach is not in
 * what the experts look at, as far as that is linear.
 */
export function hindsightError(rounds: readonly SeenRound[]): number {
  const rows = rounds.map(round => {
    const [base = 0] = round.opinions
    const relative = round.opinions.map(opinion => (Number.isNaN(opinion) ? 0 : opinion - base))
    return {
      features: [round.scale, ...relative.slice(1)],
      target: round.value - base,
      weight: 1,
      smallError: SMALL_ERROR * round.scale,
    }
  })
  const coefficients = leastAbsolute(rows, { ridge: 1e-4 })
  return rows.reduce(
    (sum, { features, target }) => sum + Math.abs(target - dot(features, coefficients)),
    0,
  )
}
