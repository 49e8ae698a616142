import { refuseData } from './array.ts'

/** One field and what ends it: in quotes, where "" stands for a quote, or plain. */
const FIELD = /(?:"((?:[^"]|"")*)"|([^,"\r\n]*))(,|\r?\n|$)/y

/**
 * The records of a CSV file: RFC 4180, with LF as well as CRLF, and blank lines left out. Our own,
 * since the grammar is the line above and a package would be more to read than it.
 */
export function parseCsv(text: string, file: string): readonly (readonly string[])[] {
  const records: string[][] = []
  let record: string[] = []
  FIELD.lastIndex = text.startsWith('\uFEFF') ? 1 : 0
  while (FIELD.lastIndex < text.length || record.length > 0) {
    const start = FIELD.lastIndex
    const match = FIELD.exec(text)
    if (!match) refuseData(file, `has a stray quote at character ${start}`)
    const [, quoted, plain = '', end] = match
    record.push(quoted?.replaceAll('""', '"') ?? plain)
    if (end === ',') continue
    if (record.length > 1 || record[0] !== '') records.push(record)
    record = []
  }
  return records
}

export interface CsvTable {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** A file whose first record names the columns, and whose others have one field for each. */
export function parseCsvTable(text: string, file: string): CsvTable {
  const [columns = [], ...rows] = parseCsv(text, file)
  if (rows.length === 0) refuseData(file, 'has no row below its header')
  const uneven = rows.findIndex(row => row.length !== columns.length)
  if (uneven !== -1) {
    refuseData(
      file,
      `has ${rows[uneven]?.length} fields in row ${uneven + 1}, its header ${columns.length}`,
    )
  }
  return { columns, rows }
}
