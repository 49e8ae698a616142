import { cpus, totalmem } from 'node:os'

/** One figure of a bench. Low and high span its runs, of which there were n. */
export interface BenchRow {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What it is compared with, measured in the same run. */
  readonly reference?: string
  readonly referenceValue?: number
  /** Always "ours is this many times better", whichever way better is for the unit. */
  readonly ratio?: number
  readonly low?: number
  readonly high?: number
  readonly n: number
}

export interface BenchResult {
  readonly rows: readonly BenchRow[]
  /** What a reader must know to judge the figures: goals, and what was not as it should be. */
  readonly notes: readonly string[]
}

export interface Bench {
  readonly name: string
  readonly description: string
  /** How long it takes without --quick; with it, one or two. */
  readonly minutes: number
  run(options: BenchOptions): Promise<BenchResult>
}

export interface BenchOptions {
  /** Fewer repetitions, the same rows. */
  readonly quick: boolean
  /** Folder of network traces, for a bench that reads some; its own where not given. */
  readonly traces?: string | undefined
  /** Judge what was learned offline by what it was not learned from, where a bench can. */
  readonly holdout?: boolean | undefined
}

export interface BenchDocument extends BenchResult {
  readonly bench: string
  readonly at: string
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly memoryGib: number
    readonly node: string
  }
}

export function benchDocument(bench: string, at: Date, result: BenchResult): BenchDocument {
  const processors = cpus()
  const machine = {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGib: Number((totalmem() / 2 ** 30).toFixed(1)),
    node: process.version,
  }
  return { bench, at: at.toISOString(), machine, ...result }
}

/** One line of JSON in which every row has every key, null where there is no such figure. */
export function jsonLine({ rows, ...document }: BenchDocument): string {
  const filled = rows.map(row => ({
    name: row.name,
    value: row.value,
    unit: row.unit,
    reference: row.reference ?? null,
    referenceValue: row.referenceValue ?? null,
    ratio: row.ratio ?? null,
    low: row.low ?? null,
    high: row.high ?? null,
    n: row.n,
  }))
  const { bench, at, machine, notes } = document
  return `${JSON.stringify({ bench, at, machine, rows: filled, notes })}\n`
}

/** The same as a table for a person, who looks for the ratio first. */
export function textTable({ bench, at, machine, rows, notes }: BenchDocument): string {
  const cells = [
    ['', 'times better than', '', 'value', 'unit', 'low', 'high', 'n'],
    ...rows.map(row => [
      row.name,
      row.ratio === undefined ? '' : `${figure(row.ratio)} ×`,
      row.reference ? `${row.reference}: ${figure(row.referenceValue)} ${row.unit}` : '',
      figure(row.value),
      row.unit,
      figure(row.low),
      figure(row.high),
      String(row.n),
    ]),
  ]
  return [
    `${bench}, ${at}, ${machine.cores} × ${machine.cpu}, Node ${machine.node}`,
    '',
    ...alignColumns(cells),
    ...(notes.length > 0 ? ['', ...notes] : []),
    '',
  ].join('\n')
}

/** Four digits that count. */
function figure(value: number | undefined): string {
  return value === undefined ? '' : String(Number(value.toPrecision(4)))
}

function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const columns = rows[0]?.map((_, column) => column) ?? []
  const widths = columns.map(column => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return rows
    .map(row => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map(line => line.trimEnd())
}
