export interface Weighted {
  readonly x: number
  readonly y: number
  readonly weight: number
}

export interface Line {
  /** At least 0. */
  readonly intercept: number
  /** At least 0. */
  readonly slope: number
  /** Weighted sum of squared residuals. */
  readonly squares: number
}

/** The line y = intercept + slope·x, neither below 0, with the least weighted squares. */
export function bestLine(rows: readonly Weighted[]): Line {
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0]
  for (const { x, y, weight } of rows) {
    w += weight
    wx += weight * x
    wy += weight * y
    wxx += weight * x * x
    wxy += weight * x * y
  }
  const determinant = w * wxx - wx * wx
  const free = determinant > 0 ? (w * wxy - wx * wy) / determinant : 0
  const slope = Math.max(0, free)
  const intercept = w > 0 ? (wy - slope * wx) / w : 0
  // On the edge the other one is the best alone: two variables have no other case.
  const [a, b] = intercept < 0 ? [0, wxx > 0 ? Math.max(0, wxy / wxx) : 0] : [intercept, slope]
  let squares = 0
  for (const { x, y, weight } of rows) squares += weight * (y - a - b * x) ** 2
  return { intercept: a, slope: b, squares }
}
