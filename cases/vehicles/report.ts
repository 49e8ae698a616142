import type { BenchDocument } from '../../bench/bench-report.ts'
import { recedingDpPolicy } from '../../controller/orchestrate/policies/receding-dp-policy.ts'
import { Environment } from '../../controller/simulate/environment.ts'
import { drawScenario } from '../../controller/simulate/scenario.ts'
import type { ScenarioOptions } from '../../controller/simulate/scenario-options.ts'
import { figureSections, figuresTable } from '../report/figures.ts'
import { writeFiles } from '../report/write-files.ts'
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
  return writeFiles(folder, {
    'report.md': reportPage(document, options),
    'figures.csv': figuresTable(document.rows),
    'matching.svg': matchingPicture(scenario, played),
    'timeline.svg': timelinePicture(scenario, env, played),
  })
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
