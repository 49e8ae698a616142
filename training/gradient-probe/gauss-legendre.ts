/**
 * Points and weights on [0, 1] with which Σ wᵢ f(uᵢ) = ∫ f for polynomials below degree 2n. The
 * points are the roots of the Legendre polynomial Pₙ, found by Newton's method; the weights are
 * 2 / ((1 − x²) Pₙ′(x)²) (Abramowitz and Stegun, 25.4.29), both moved from [−1, 1].
 */
export function gaussLegendre(n: number): {
  readonly points: readonly number[]
  readonly weights: readonly number[]
} {
  const points: number[] = []
  const weights: number[] = []
  for (let index = 0; index < n; index += 1) {
    let x = Math.cos((Math.PI * (index + 0.75)) / (n + 0.5))
    let slope = 0
    // Newton's method doubles the digits: from this start five rounds are enough.
    for (let round = 0; round < 8; round += 1) {
      const { value, before } = legendre(n, x)
      slope = (n * (x * value - before)) / (x * x - 1)
      x -= value / slope
    }
    points.push((1 + x) / 2)
    weights.push(1 / ((1 - x * x) * slope * slope))
  }
  return { points, weights }
}

/** Pₙ(x) and Pₙ₋₁(x), by k·Pₖ = (2k − 1)x·Pₖ₋₁ − (k − 1)Pₖ₋₂. */
function legendre(n: number, x: number): { readonly value: number; readonly before: number } {
  let [before, value] = [1, x]
  for (let k = 2; k <= n; k += 1) {
    const next = ((2 * k - 1) * x * value - (k - 1) * before) / k
    before = value
    value = next
  }
  return { value, before }
}
