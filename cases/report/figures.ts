import type { BenchRow } from '../../bench/bench-report.ts'

/** The figures for programs. */
export function figuresTable(rows: readonly BenchRow[]): string {
  const lines = rows.map(({ name, value, unit, low = '', high = '', n }) =>
    [name, value, unit, low, high, n].join(','),
  )
  return `${['name,value,unit,low,high,n', ...lines].join('\n')}\n`
}

/** The figures for people: a table for each subject. */
export function figureSections(rows: readonly BenchRow[]): string[] {
  return [...new Set(rows.map(row => sectionOf(row.name)))].map(section =>
    [
      `## ${section}`,
      '',
      '| | value | 95 % interval | seeds |',
      '|---|---|---|---|',
      ...rows.filter(row => sectionOf(row.name) === section).map(tableRow),
      '',
    ].join('\n'),
  )
}

/** Rows of one subject: all of the name but what is compared. */
function sectionOf(name: string): string {
  return name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : name
}

function tableRow({ name, value, unit, low, high, n }: BenchRow): string {
  const figure = (one: number): string => String(Number(one.toPrecision(4)))
  const interval =
    low === undefined || high === undefined ? '' : `${figure(low)} to ${figure(high)}`
  return `| ${name.slice(name.lastIndexOf('.') + 1)} | ${figure(value)} ${unit} | ${interval} | ${n} |`
}
