import { seededRandom } from '../../runtime/seeded-random.ts'

const RESAMPLES = 1000

/** A ratio of sums over seeds, with the interval that holds it in 95 of 100 repetitions. */
export interface Share {
  readonly value: number
  readonly low: number
  readonly high: number
  readonly n: number
}

/**
 * Σ gains / Σ references, seed by seed in the same order, in per cent. The interval is the
 * percentile bootstrap over seeds (Efron 1979): gains of policies in the same cell belong together,
 * so that cells are drawn, not gains.
 */
export function shareOf(gains: readonly number[], references: readonly number[]): Share {
  const random = seededRandom(gains.length)
  const drawn: number[] = []
  for (let resample = 0; resample < RESAMPLES; resample++) {
    let [gain, reference] = [0, 0]
    for (let draw = 0; draw < gains.length; draw++) {
      const seed = Math.floor(random() * gains.length)
      gain += gains[seed] ?? 0
      reference += references[seed] ?? 0
    }
    drawn.push((100 * gain) / reference)
  }
  drawn.sort((a, b) => a - b)
  const at = (share: number): number => drawn[Math.floor(share * (RESAMPLES - 1))] ?? Number.NaN
  const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0)
  const value = (100 * sum(gains)) / sum(references)
  return { value, low: at(0.025), high: at(0.975), n: gains.length }
}
