import { readFile, stat } from 'node:fs/promises'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { parseCsvTable } from '../../training/datasets/csv.ts'

/** A class that holds from a time on, up to but not at another. */
export interface LabelInterval {
  readonly fromMs: number
  readonly toMs: number
  readonly label: number
}

/**
 * Intervals from a CSV table with the columns from, to and class: times as ISO 8601 or milliseconds
 * since 1970, classes as numbers. Where two overlap, the one that stands later in the file holds.
 */
export function parseLabelIntervals(text: string, file: string): readonly LabelInterval[] {
  const { columns, rows } = parseCsvTable(text, file)
  const place = (name: string): number => {
    const at = columns.indexOf(name)
    if (at !== -1) return at
    throw new GainnetError('DATA_INVALID', `${file} has no column ${name}, but ${columns}`, {
      file,
    })
  }
  const [from, to, label] = [place('from'), place('to'), place('class')]
  return rows.map((row, index) => {
    const interval = {
      fromMs: timeOf(row[from]),
      toMs: timeOf(row[to]),
      label: Number(row[label] || Number.NaN),
    }
    const isGood = interval.fromMs < interval.toMs && isClass(interval.label)
    if (isGood) return interval
    throw new GainnetError('DATA_INVALID', `${file} has ${row.join(',')} in row ${index + 1}`, {
      file,
    })
  })
}

function timeOf(field: string | undefined): number {
  if (!field) return Number.NaN
  return /^\d+(\.\d+)?$/.test(field) ? Number(field) : Date.parse(field)
}

function isClass(label: number): boolean {
  return Number.isInteger(label) && label >= 0
}

/** The class of each time, -1 where none is told. */
export function labelTimes(atMs: Float64Array, intervals: readonly LabelInterval[]): Int32Array {
  const labels = new Int32Array(atMs.length).fill(-1)
  for (const { fromMs, toMs, label } of intervals) {
    for (const [row, time] of atMs.entries()) {
      if (time >= fromMs && time < toMs) labels[row] = label
    }
  }
  return labels
}

/** Intervals of a file that somebody may add to while the agent runs. */
export class LabelFile {
  readonly #path: string
  #changedMs = Number.NaN
  #intervals: readonly LabelInterval[] = []

  constructor(path: string) {
    this.#path = path
  }

  /** DATA_INVALID where it cannot be read or understood. */
  async intervals(): Promise<readonly LabelInterval[]> {
    try {
      const { mtimeMs } = await stat(this.#path)
      if (mtimeMs !== this.#changedMs) {
        this.#intervals = parseLabelIntervals(await readFile(this.#path, 'utf8'), this.#path)
        this.#changedMs = mtimeMs
      }
      return this.#intervals
    } catch (cause) {
      if (cause instanceof GainnetError) throw cause
      const why = `${this.#path} cannot be read: ${messageOf(cause)}`
      throw new GainnetError('DATA_INVALID', why, { path: this.#path }, { cause })
    }
  }
}
