import { createWriteStream } from 'node:fs'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { readUrpSeries } from '../../protocol/urp-series/read-urp-series.ts'
import { type CsvCell, csvLine } from '../../runtime/csv.ts'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { COLUMNS, type Per, rowsOfUrp } from './series-rows.ts'

export interface ExportOptions {
  readonly per: Per
  readonly agent?: string
  readonly json?: boolean
  readonly out?: string
}

/** `gainnet urp export <series>`: a table for a spreadsheet, R or pandas. */
export async function runExport(series: string, options: ExportOptions): Promise<void> {
  const notes: string[] = []
  const lines = tableLines(series, { ...options, onNote: note => notes.push(note) })
  if (options.out === undefined) await writeLines(lines, process.stdout)
  else await writeFile(lines, options.out)
  for (const note of notes) process.stderr.write(`gainnet: ${note}\n`)
}

async function* tableLines(series: string, o: RowOptions): AsyncGenerator<string> {
  const columns = COLUMNS[o.per]
  const head = o.json ? '[' : csvLine(columns)
  let isBegun = false
  for await (const row of tableRows(series, o)) {
    // Only now: of a file that is no series nothing is printed.
    if (!isBegun) yield head
    yield o.json ? `${isBegun ? ',\n' : '\n'}${jsonRow(columns, row)}` : csvLine(row)
    isBegun = true
  }
  if (!isBegun) yield head
  if (o.json) yield '\n]\n'
}

interface RowOptions extends ExportOptions {
  readonly onNote: (note: string) => void
}

async function* tableRows(
  series: string,
  { per, agent, onNote }: RowOptions,
): AsyncGenerator<readonly CsvCell[]> {
  for await (const entry of readUrpSeries(series, { onNote })) {
    if (agent === undefined || entry.agentId === agent) yield* rowsOfUrp(entry, per)
  }
}

function jsonRow(columns: readonly string[], row: readonly CsvCell[]): string {
  return JSON.stringify(Object.fromEntries(columns.map((name, index) => [name, row[index]])))
}

async function writeLines(lines: AsyncIterable<string>, output: Writable): Promise<void> {
  for await (const line of lines) {
    if (!output.write(line)) await new Promise(resolve => output.once('drain', resolve))
  }
}

async function writeFile(lines: AsyncIterable<string>, path: string): Promise<void> {
  const file = createWriteStream(path)
  const done = finished(file)
  done.catch(() => undefined)
  try {
    await Promise.race([writeLines(lines, file), done])
    file.end()
    await done
  } catch (error) {
    file.destroy()
    if (error instanceof GainnetError) throw error
    throw new GainnetError(
      'FILE_UNWRITABLE',
      `cannot write ${path}: ${messageOf(error)}`,
      {},
      {
        cause: error,
      },
    )
  }
}
