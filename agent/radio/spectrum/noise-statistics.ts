import { probit } from 'simple-statistics'

/**
 * Noise through a window has neighbouring bins that resemble each other, so that N of them are worth
 * fewer than N independent ones. Squared correlation at a distance of one and of two bins of Hann's
 * window: (2/3)², (1/6)²; further ones have none (F. J. Harris 1978, table 1 and eq. 20).
 */
const RESEMBLANCE = [1, 4 / 9, 1 / 36] as const

/** How many independent exponential energies the mean of so many neighbouring bins is worth. */
export function independentBins(bins: number): number {
  const pairs = RESEMBLANCE.map(
    (squared, distance) => squared * Math.max(0, bins - distance) * (distance === 0 ? 1 : 2),
  )
  return (bins * bins) / pairs.reduce((sum, part) => sum + part, 0)
}

/**
 * What share of its mean such an energy stays below with a probability: quantile of a gamma
 * distribution of that shape (Wilson and Hilferty 1931; within 1 % from shape 4 up).
 */
export function noiseQuantile(probability: number, shape: number): number {
  const ninth = 1 / (9 * shape)
  return Math.max(0, 1 - ninth + probit(probability) * Math.sqrt(ninth)) ** 3
}
