import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type BenchRow, benchDocument, jsonLine, textTable } from '../../bench/bench-report.ts'
import { GainnetError } from '../../runtime/errors.ts'
import { loadOrt } from '../../training/trainer/ort-session.ts'
import { figureSections, figuresTable } from '../report/figures.ts'
import { Tally } from '../report/tally.ts'
import { writeFiles } from '../report/write-files.ts'
import { runMain } from '../run-main.ts'
import { MEASURED_FOLDERS } from '../vehicles/measured-cells.ts'
import { LIAR } from './play.ts'
import { roundsPicture } from './rounds-picture.ts'
import { readSnrRounds } from './snr-rows.ts'
import { type PlayedCycle, playCycle } from './study.ts'

const TRACES = join(MEASURED_FOLDERS.traces, 'irish-5g.jsonl.gz')

const FULL = { budget: 2, devices: 24, updates: 3000, seed: 1 } as const
const QUICK = { updates: 300 } as const

const NOTES = [
  'a round is twenty seconds of a 5G download; each second is a channel with the signal to noise ratio ' +
    'that the telephone reported, and a device spreads its power over them',
  'rate: gain over the average allocation; before: devices stand still, as those that the model learned ' +
    'from; drift: they drive, and the model is the old one; after: the new version serves; ceiling: ' +
    'water-filling; all of honest devices',
  'without-retraining: the first version in the rounds of after; retraining.gain: what the new one has more',
  'detected.crs: rounds from the change until it was detected; taken-over.crs: until the new version served',
  'rolledback: versions taken back, one of which was put in place damaged; rolledback.crs: rounds it served',
  'disbelieved: reports of the device that tells its gains a thousand times too large that were left out',
  'low and high: 95 % bootstrap over rounds; n: rounds',
]

/** `npm run case:virtuous-cycle [-- --json] [--quick] [--budget P] [--seed N] [--traces FILE]` */
async function runCase(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      json: { type: 'boolean' },
      quick: { type: 'boolean' },
      budget: { type: 'string' },
      seed: { type: 'string' },
      traces: { type: 'string' },
      out: { type: 'string' },
    },
  })
  const {
    json = false,
    quick = false,
    traces = TRACES,
    out = '.gainnet/case-virtuous-cycle',
  } = values
  const options = {
    ...FULL,
    ...(quick ? QUICK : {}),
    ...(values.budget === undefined ? {} : { budget: positive('budget', values.budget) }),
    ...(values.seed === undefined ? {} : { seed: Math.floor(positive('seed', values.seed)) }),
  }
  const at = new Date()
  if (!existsSync(traces)) {
    throw new GainnetError('FILE_UNREADABLE', `there are no 5G traces ${traces}: --traces FILE`)
  }
  const conditions = {
    before: readSnrRounds(traces, 'Static'),
    after: readSnrRounds(traces, 'Driving'),
  }
  const folder = mkdtempSync(join(tmpdir(), 'gainnet-cycle-'))
  try {
    const played = await playCycle(await loadOrt(), conditions, { ...options, folder })
    const document = benchDocument('case:virtuous-cycle', at, {
      rows: rowsOf(played),
      notes: NOTES,
    })
    const page = [
      '# Case study D: the virtuous cycle',
      '',
      '![Gain over average, round by round](rounds.svg)',
      '',
    ]
    const sections = [...page, ...figureSections(document.rows), ...NOTES.map(one => `- ${one}`)]
    const files = writeFiles(out, {
      'report.md': `${sections.join('\n')}\n`,
      'figures.csv': figuresTable(document.rows),
      'rounds.svg': roundsPicture(played),
    })
    process.stdout.write(json ? jsonLine(document) : textTable(document))
    process.stderr.write(`${files.join(', ')} in ${out}\n`)
    return 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (value > 0 && value < Number.POSITIVE_INFINITY) return value
  throw new RangeError(`--${name} ${text}: a number above 0 is needed`)
}

/** Figures of a play; rounds that never came are no rows. */
function rowsOf({ rounds, changeCr, damageCr, lies }: PlayedCycle): BenchRow[] {
  const tally = new Tally()
  const first = rounds[0]?.version
  for (const { crId, version, model, first: old, even, best } of rounds) {
    if (crId >= damageCr) continue
    const phase = crId < changeCr ? 'before' : version === first ? 'drift' : 'after'
    tally.add(`rate.${phase}`, model - even, even)
    tally.add(`ceiling.${phase}`, best - even, even)
    tally.add(`optimum-share.${phase}`, model - even, best - even)
    if (phase !== 'after') continue
    tally.add('without-retraining.rate', old - even, even)
    tally.add('without-retraining.optimum-share', old - even, best - even)
    tally.add('retraining.gain', model - old, even)
  }
  const events = rounds.flatMap(round => round.events)
  const takenBack = events.filter(({ type }) => type === 'taken-back').length
  const disbelieved = events.filter(
    one => one.type === 'disbelieved' && one.agentId === LIAR,
  ).length
  const wronged = events.filter(one => one.type === 'disbelieved' && one.agentId !== LIAR).length
  const crOf = (type: string) =>
    rounds.find(round => round.events.some(one => one.type === type))?.crId
  const since = (name: string, type: string, from: number): BenchRow[] => {
    const crId = crOf(type)
    return crId === undefined ? [] : [{ name, value: crId - from + 1, unit: 'CRs', n: 1 }]
  }
  return [
    ...tally.rows(),
    ...since('detected.crs', 'drift', changeCr),
    ...since('taken-over.crs', 'taken-over', changeCr),
    { name: 'rolledback', value: takenBack, unit: 'versions', n: 1 },
    ...since('rolledback.crs', 'taken-back', damageCr),
    { name: 'disbelieved', value: (100 * disbelieved) / lies, unit: '%', n: lies },
    { name: 'wrongly-disbelieved', value: wronged, unit: 'reports', n: 1 },
  ]
}

await runMain(runCase)
