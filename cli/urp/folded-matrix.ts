import { cellOf, type Matrix, matrixOf } from '../../protocol/matrix.ts'

export interface Folded {
  readonly matrix: Matrix
  /** How many slots one column of the picture stands for, and how many units or blocks one line. */
  readonly slotsEach: number
  readonly columnsEach: number
}

/** A matrix that fits on a page: neighbours are averaged where there are more than may be. */
export function foldedMatrix(
  matrix: Matrix,
  { slotsMax, columnsMax }: { readonly slotsMax: number; readonly columnsMax: number },
): Folded {
  const slotsEach = Math.max(1, Math.ceil(matrix.rows / slotsMax))
  const columnsEach = Math.max(1, Math.ceil(matrix.columns / columnsMax))
  if (slotsEach === 1 && columnsEach === 1) return { matrix, slotsEach, columnsEach }
  const rows = Math.ceil(matrix.rows / slotsEach)
  const columns = Math.ceil(matrix.columns / columnsEach)
  const folded = matrixOf(rows, columns, (row, column) => {
    const from = { row: row * slotsEach, column: column * columnsEach }
    const to = {
      row: Math.min(matrix.rows, from.row + slotsEach),
      column: Math.min(matrix.columns, from.column + columnsEach),
    }
    let sum = 0
    for (let slot = from.row; slot < to.row; slot++) {
      for (let each = from.column; each < to.column; each++) sum += cellOf(matrix, slot, each)
    }
    return sum / ((to.row - from.row) * (to.column - from.column))
  })
  return { matrix: folded, slotsEach, columnsEach }
}

/** Of a column: mean, least and most over the slots. Undefined where there is no slot. */
export function columnFigures(
  matrix: Matrix,
  column: number,
): { readonly mean: number; readonly least: number; readonly most: number } | undefined {
  if (matrix.rows === 0) return undefined
  let [sum, least, most] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let row = 0; row < matrix.rows; row++) {
    const value = cellOf(matrix, row, column)
    sum += value
    least = Math.min(least, value)
    most = Math.max(most, value)
  }
  return { mean: sum / matrix.rows, least, most }
}
