/** Share of the past that counts one round later. */
const MEMORY_PER_ROUND = 0.98
/** Prior variance of a coefficient: the regression leaves its start slowly. */
const PRIOR_VARIANCE = 0.003
/** Errors below this, in units of the row's scale, count as squares and not by their size. */
const SMALL_ERROR = 0.1

// Least absolute deviations by iteratively reweighted, recursive least squares (Schlossmacher 1973;
// Ljung, System Identification, 1999, 11.2): with e = y - wᵀz, ω = c / max(|e|, 0.1), memory λ
//
//   g = P z / (λ/ω + zᵀ P z),   w += g e,   P = (P - g zᵀP) / λ
//
// The weight c says how much an observation counts. The trace of P is kept below ten times that of
// its start: a row that stands still for long must not make the first move after it decisive.

/** Linear regression for the conditional median, a step an observation. */
export class RobustRegression {
  readonly #size: number
  readonly #memory: number
  readonly #coefficients: Float64Array
  readonly #covariance: Float64Array

  /** Begins with the coefficients `start`. */
  constructor(start: readonly number[], { partsPerRound }: { readonly partsPerRound: number }) {
    const size = start.length
    this.#size = size
    this.#memory = MEMORY_PER_ROUND ** (1 / partsPerRound)
    this.#coefficients = Float64Array.from(start)
    this.#covariance = new Float64Array(size * size)
    for (let i = 0; i < size; i++) this.#covariance[i * size + i] = PRIOR_VARIANCE
  }

  predict(features: readonly number[]): number {
    let sum = 0
    for (let i = 0; i < this.#size; i++) sum += (this.#coefficients[i] ?? 0) * (features[i] ?? 0)
    return sum
  }

  learn(features: readonly number[], target: number): void {
    const [size, memory, covariance] = [this.#size, this.#memory, this.#covariance]
    const error = target - this.predict(features)
    const projected = features.map((_, i) => {
      let sum = 0
      for (let j = 0; j < size; j++) sum += (covariance[i * size + j] ?? 0) * (features[j] ?? 0)
      return sum
    })
    const spread = features.reduce((sum, feature, i) => sum + feature * (projected[i] ?? 0), 0)
    const divisor = memory * Math.max(Math.abs(error), SMALL_ERROR) + spread
    for (let i = 0; i < size; i++) {
      const gain = (projected[i] ?? 0) / divisor
      this.#coefficients[i] = (this.#coefficients[i] ?? 0) + gain * error
      for (let j = 0; j < size; j++) {
        const index = i * size + j
        covariance[index] = ((covariance[index] ?? 0) - gain * (projected[j] ?? 0)) / memory
      }
    }
    this.#boundCovariance()
  }

  #boundCovariance(): void {
    let trace = 0
    for (let i = 0; i < this.#size; i++) trace += this.#covariance[i * this.#size + i] ?? 0
    const most = 10 * this.#size * PRIOR_VARIANCE
    if (trace <= most) return
    for (const [index, value] of this.#covariance.entries()) {
      this.#covariance[index] = (value * most) / trace
    }
  }
}
