import { type DataArray, refuseData } from './array.ts'
import type { CsvTable } from './csv.ts'

/** A data set as its files have it: nothing is fitted to a model yet. */
export interface LabelledData {
  readonly inputs: DataArray
  readonly labels?: DataArray
  /** What the classes were called, by number, where labels were words. */
  readonly classNames?: readonly string[]
}

/** The label column of a table, and all others as inputs. */
export function splitTable(
  { columns, rows }: CsvTable,
  labelColumn: string | undefined,
  file: string,
): LabelledData {
  const place = labelColumn === undefined ? columns.length - 1 : columns.indexOf(labelColumn)
  if (place === -1) refuseData(file, `has no column ${labelColumn}, but ${columns.join(', ')}`)
  const width = columns.length - 1
  const values = new Float32Array(rows.length * width)
  for (const [index, row] of rows.entries()) {
    const fields = row.filter((_, column) => column !== place)
    for (const [column, field] of fields.entries()) {
      const value = Number(field)
      if (field.trim() === '' || Number.isNaN(value)) {
        const name = columns.filter((_, other) => other !== place)[column]
        refuseData(file, `has ${JSON.stringify(field)} in row ${index + 1}, column ${name}`)
      }
      values[index * width + column] = value
    }
  }
  const inputs = { shape: [rows.length, width], values }
  return { inputs, ...readLabels(rows.map(row => row[place] ?? '')) }
}

/** Numbers, or words in alphabetical order as the classes 0, 1, 2 … */
function readLabels(fields: readonly string[]): Pick<LabelledData, 'labels' | 'classNames'> {
  const numbers = fields.map(field => (field.trim() === '' ? Number.NaN : Number(field)))
  if (!numbers.some(Number.isNaN)) {
    return { labels: { shape: [fields.length], values: Float64Array.from(numbers) } }
  }
  const classNames = [...new Set(fields)].sort()
  const places = new Map(classNames.map((name, index) => [name, index]))
  const values = Int32Array.from(fields, field => places.get(field) ?? 0)
  return { labels: { shape: [fields.length], values }, classNames }
}
