const ITERATIONS = 25
export interface WeightedRow {
  readonly features: readonly number[]
  readonly target: number
  readonly weight: number
  /** Errors below count as squares. */
  readonly smallError: number
}

// Least absolute deviations by iteratively reweighted least squares (Schlossmacher 1973):
//
//   w = argmin Σ uᵢ (yᵢ - wᵀzᵢ)²,   uᵢ = cᵢ / max(|yᵢ - wᵀzᵢ|, δᵢ)   with the w before

/**
 * Coefficients with which the weighted sum of absolute errors is about the least. Ridge is a share of
 * each feature's own square: features that say nearly the same are to share a coefficient, and not to
 * have large ones against each other.
 */
export function leastAbsolute(
  rows: readonly WeightedRow[],
  { ridge }: { readonly ridge: number },
): number[] {
  const size = rows[0]?.features.length ?? 0
  let coefficients: number[] = Array(size).fill(0)
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    coefficients = leastSquares(rows, { before: coefficients, ridge })
  }
  return coefficients
}

function leastSquares(
  rows: readonly WeightedRow[],
  { before, ridge }: { readonly before: readonly number[]; readonly ridge: number },
): number[] {
  const size = before.length
  // Lines [A | b], of A only the lower triangle at first.
  const lines = Array.from({ length: size }, () => new Float64Array(size + 1))
  for (const { features, target, weight, smallError } of rows) {
    const share = weight / Math.max(Math.abs(target - dot(features, before)), smallError)
    for (const [i, line] of lines.entries()) {
      const scaled = share * (features[i] ?? 0)
      for (let j = 0; j <= i; j++) line[j] = (line[j] ?? 0) + scaled * (features[j] ?? 0)
      line[size] = (line[size] ?? 0) + scaled * target
    }
  }
  for (const [i, line] of lines.entries()) {
    line[i] = (line[i] ?? 0) * (1 + ridge)
    for (let j = i + 1; j < size; j++) line[j] = lines[j]?.[i] ?? 0
  }
  return solve(lines)
}

/** Gauss-Jordan elimination of lines [A | b] of a positive definite A: no pivoting is needed. */
function solve(lines: readonly Float64Array[]): number[] {
  for (const [pivot, line] of lines.entries()) {
    const divisor = line[pivot] || 1
    line.set(line.map(value => value / divisor))
    for (const other of lines) if (other !== line) subtract(other, line, other[pivot] ?? 0)
  }
  return lines.map(line => line.at(-1) ?? 0)
}

function subtract(from: Float64Array, line: Float64Array, times: number): void {
  for (const [j, value] of line.entries()) from[j] = (from[j] ?? 0) - times * value
}

export function dot(features: readonly number[], coefficients: readonly number[]): number {
  let sum = 0
  for (const [i, feature] of features.entries()) sum += feature * (coefficients[i] ?? 0)
  return sum
}
