export type CsvCell = string | number | boolean | undefined

/** A line of CSV (RFC 4180, but ended by a newline as every tool here has it). */
export function csvLine(cells: readonly CsvCell[]): string {
  return `${cells.map(csvCell).join(',')}\n`
}

function csvCell(cell: CsvCell): string {
  if (cell === undefined) return ''
  const text = String(cell)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
