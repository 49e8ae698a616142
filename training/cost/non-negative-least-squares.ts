/**
 * The x ≥ 0 for which |A·x − b|² is least, coordinate by coordinate: each is set to its best value with
 * the others held, and never below zero, again and again (Franc, Hlaváč and Navara 2005, "Sequential
 * Coordinate-Wise Algorithm for the Non-negative Least Squares Problem"). Written here because it is
 * short; it converges for any A, and quickly for the handful of columns that it gets.
 */
export function nonNegativeLeastSquares(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
): readonly number[] {
  const columns = rows[0]?.map((_, column) => rows.map(row => row[column] ?? 0)) ?? []
  // Columns of unit length: their units differ by many powers of ten.
  const lengths = columns.map(column => Math.sqrt(dot(column, column)) || 1)
  const unit = columns.map((column, index) => column.map(value => value / (lengths[index] ?? 1)))
  const problem: Problem = {
    products: unit.map(a => unit.map(b => dot(a, b))),
    x: unit.map(() => 0),
    slope: unit.map(column => -dot(column, targets)),
  }
  for (let sweep = 0; sweep < SWEEPS_MAX; sweep++) {
    const moves = unit.map((_, index) => moveOne(problem, index))
    if (Math.max(0, ...moves) < PRECISION) break
  }
  return problem.x.map((value, index) => value / (lengths[index] ?? 1))
}

const SWEEPS_MAX = 100_000
const PRECISION = 1e-10

interface Problem {
  /** AᵀA */
  readonly products: readonly (readonly number[])[]
  readonly x: number[]
  /** Aᵀ·(A·x − b) */
  readonly slope: number[]
}

/** Sets one coordinate to its best value; gives by which share of it that moved it. */
function moveOne({ products, x, slope }: Problem, index: number): number {
  const row = products[index] ?? []
  const own = row[index] ?? 0
  if (own === 0) return 0
  const before = x[index] ?? 0
  const after = Math.max(0, before - (slope[index] ?? 0) / own)
  x[index] = after
  for (const [other, product] of row.entries()) {
    slope[other] = (slope[other] ?? 0) + (after - before) * product
  }
  return after === before ? 0 : Math.abs(after - before) / Math.max(after, before)
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0)
}
