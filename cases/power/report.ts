import type { BenchDocument } from '../../bench/bench-report.ts'
import { figureSections, figuresTable } from '../report/figures.ts'
import { writeFiles } from '../report/write-files.ts'
import { curvePicture } from './curve-picture.ts'
import type { CurvePoint, StudyOptions } from './phases.ts'

/** Writes the report, its figures as a table for programs, and the picture; their names. */
export function writeReport(
  folder: string,
  document: BenchDocument,
  o: { readonly options: StudyOptions; readonly curve: readonly CurvePoint[] },
): string[] {
  const ceilingOf = (name: string) => document.rows.find(row => row.name === name)?.value ?? 0
  const ceilings = { t1: ceilingOf('t1.ceiling'), t2: ceilingOf('t3.ceiling') }
  return writeFiles(folder, {
    'report.md': reportPage(document, o.options),
    'figures.csv': figuresTable(document.rows),
    'training.svg': curvePicture(o.curve, ceilings),
  })
}

function reportPage({ at, machine, rows, notes }: BenchDocument, options: StudyOptions): string {
  const { budget, noise, pairs, updates, steps } = options
  return [
    '# Case study C: power over parallel channels',
    '',
    `Twenty channels, a power of ${budget} in all, noise ${noise}; ${pairs} expert solutions or ` +
      `interactions a phase, ${updates} updates, ${steps} passes of the sampler. ${at}, ${machine.cpu}.`,
    '',
    '![Gain over the average allocation while T1 and T3 are learned](training.svg)',
    '',
    'The picture shows the first seed; dashed lines are the ceilings of water-filling.',
    '',
    ...figureSections(rows),
    ...notes.map(note => `- ${note}`),
    '',
  ].join('\n')
}
