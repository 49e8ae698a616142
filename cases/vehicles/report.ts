import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchDocument, BenchRow } from '../../bench/bench-report.ts'
import { recedingDpPolicy } from '../../controller/orchestrate/policies/receding-dp-policy.ts'
import { Environment } from '../../controller/simulate/environment.ts'
import { drawScenario } from '../../controller/simulate/scenario.ts'
import type { ScenarioOptions } from '../../controller/simulate/scenario-options.ts'
import { matchingPicture } from './matching-picture.ts'
import { play } from './play.ts'
import { timelinePicture } from './timeline-picture.ts'

/** The cell that is drawn. */
const SEED = 0

/** Writes the report, its figures as a table for programs, and the two pictures; their names. */
export function writeReport(
  folder: string,
  document: BenchDocument,
  options: ScenarioOptions,
): string[] {
  const scenario = drawScenario(options, SEED)
  const env = new Environment(scenario)
  const played = play(env, recedingDpPolicy, { seed: SEED })
  const files = {
    'report.md': reportPage(document, options),
    'figures.csv': figuresTable(document.rows),
    'matching.svg': matchingPicture(scenario, played),
    'timeline.svg': timelinePicture(scenario, env, played),
  }
  mkdirSync(folder, { recursive: true })
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return Object.keys(files)
}

/** The figures for programs. */
export function figuresTable(rows: readonly BenchRow[]): string {
  const lines = rows.map(({ name, value, unit, low = '', high = '', n }) =>
    [name, value, unit, low, high, n].join(','),
  )
  return `${['name,value,unit,low,high,n', ...lines].join('\n')}\n`
}

function reportPage({ at, machine, rows, notes }: BenchDocument, options: ScenarioOptions): string {
  const { vehicles, targets, rounds, models, slots, sideMetres } = options
  return [
    '# Case study B: a cell of vehicles',
    '',
    `${vehicles} vehicles and ${targets} targets on ${sideMetres} m x ${sideMetres} m, ` +
      `${models} models, ${rounds} GAI rounds of ${slots} slots. ${at}, ${machine.cpu}.`,
    '',
    '![Matching in each CR](matching.svg)',
    '',
    '![Timeline of sensing and consumption](timeline.svg)',
    '',
    'Both pictures show the receding-horizon plan in the first cell.',
    '',
    ...figureSections(rows),
    ...notes.map(note => `- ${note}`),
    '',
  ].join('\n')
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
