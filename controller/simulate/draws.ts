import { type Random, standardNormal } from '../../runtime/seeded-random.ts'

export function uniform(random: Random, [from, to]: readonly [number, number]): number {
  return from + (to - from) * random()
}

/** Gamma(shape, 1) by Marsaglia and Tsang (2000), with their boost for shapes below 1. */
export function gamma(random: Random, shape: number): number {
  if (shape < 1) return gamma(random, shape + 1) * (1 - random()) ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = standardNormal(random)
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - random()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v
  }
}

/** A distribution over `classes`, drawn from the symmetric Dirichlet distribution. */
export function dirichlet(random: Random, classes: number, concentration: number): number[] {
  const draws = Array.from({ length: classes }, () => gamma(random, concentration))
  const sum = draws.reduce((total, draw) => total + draw, 0)
  return draws.map(draw => draw / sum)
}

/** Index drawn with the given shares. */
export function drawnIndex(random: Random, shares: readonly number[]): number {
  let rest = random()
  for (const [index, share] of shares.entries()) {
    rest -= share
    if (rest < 0) return index
  }
  return shares.length - 1
}
