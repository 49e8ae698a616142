import { seededRandom } from '../../../runtime/seeded-random.ts'

const RESAMPLES = 400
/** One-sided, so that in 97.5 of 100 cases what is called better is. */
const TAIL = 0.025

/**
 * Whether one model is better than another by more than the chance of the rows that both were judged
 * on: the lower end of the bootstrap of their mean difference (Efron 1979) is above `margin`.
 */
export function isBetter(rates: ArrayLike<number>, others: ArrayLike<number>, margin = 0): boolean {
  const count = rates.length
  if (count === 0) return false
  const random = seededRandom(count)
  const means = Array.from({ length: RESAMPLES }, () => {
    let sum = 0
    for (let draw = 0; draw < count; draw++) {
      const row = Math.floor(random() * count)
      sum += (rates[row] ?? 0) - (others[row] ?? 0)
    }
    return sum / count
  })
  means.sort((a, b) => a - b)
  return (means[Math.floor(TAIL * RESAMPLES)] ?? 0) > margin
}
