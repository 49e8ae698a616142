/** A derivative and how far it may be off, by the spread of its own estimates. */
export interface NumericDerivative {
  readonly derivative: number
  readonly uncertainty: number
}

export interface DifferenceSteps {
  /** The widest step. */
  readonly first: number
  /** Each next step is so many times smaller. */
  readonly factor: number
  readonly levels: number
  /** Narrower steps are not tried once the uncertainty is below this. */
  readonly enough: number
}

/**
 * f′(0) from central differences of several widths, extrapolated to width 0 (Ridders 1982, as in
 * Press et al., Numerical Recipes, section 5.7). With D(h) = (f(h) − f(−h)) / 2h and
 * hⱼ = h₀ / factorʲ:
 *
 *   Aⱼ,₀ = D(hⱼ)      Aⱼ,ₘ = (factor²ᵐ · Aⱼ,ₘ₋₁ − Aⱼ₋₁,ₘ₋₁) / (factor²ᵐ − 1)
 *
 * The estimate that differs least from its neighbours stands on the plateau between truncation, which
 * wide steps suffer from, and rounding, which narrow ones do.
 */
export async function differentiate(
  f: (step: number) => Promise<number>,
  { first, factor, levels, enough }: DifferenceSteps,
): Promise<NumericDerivative> {
  let best: NumericDerivative = { derivative: Number.NaN, uncertainty: Number.POSITIVE_INFINITY }
  let above: readonly number[] = []
  for (let level = 0; level < levels; level += 1) {
    const step = first / factor ** level
    const row = [((await f(step)) - (await f(-step))) / (2 * step)]
    for (const [order, wider] of above.entries()) {
      const known = row[order] ?? Number.NaN
      const power = factor ** (2 * (order + 1))
      const estimate = (power * known - wider) / (power - 1)
      row.push(estimate)
      const uncertainty = Math.max(Math.abs(estimate - known), Math.abs(estimate - wider))
      if (uncertainty < best.uncertainty) best = { derivative: estimate, uncertainty }
    }
    if (best.uncertainty <= enough) break
    above = row
  }
  return best
}
