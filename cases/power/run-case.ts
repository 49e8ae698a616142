import { parseArgs } from 'node:util'
import { type BenchRow, benchDocument, jsonLine, textTable } from '../../bench/bench-report.ts'
import { loadOrt, type Ort } from '../../training/trainer/ort-session.ts'
import { Tally } from '../report/tally.ts'
import { runMain } from '../run-main.ts'
import { studyBudgets } from './budgets.ts'
import { studyInterference } from './interference.ts'
import { type CurvePoint, type StudyOptions, studySeed } from './phases.ts'
import { writeReport } from './report.ts'

/** P_T and the noise, which the paper does not state, are those of the goals. */
const FULL: StudyOptions = {
  seeds: 10,
  budget: 0.2,
  noise: 1,
  pairs: 10_000,
  updates: 3000,
  steps: 2,
  heldBack: 8192,
}
/** The same rows in a few seconds: far from trained to the end. */
const QUICK = { seeds: 1, pairs: 600, updates: 200, heldBack: 512 }

const NOTES = [
  't1, t2, t3: gain over the average allocation, ratio of mean rates on held-back draws',
  'gdm: the diffusion model; sac: soft actor-critic with networks of the same form and size, as many ' +
    'interactions as the other has expert solutions; ceiling: water-filling, which nothing can exceed',
  't2.stale: the model of T1 in the rain; t3: after training on T1 and T2 together; without-replay: on ' +
    'T2 alone; t3.virtuous-gain: t3.gdm less t2.stale, in per cent of the average',
  'optimum-share: share of the gain that water-filling has over average',
  'sampler-steps: t3.optimum-share by passes of the sampler; one pass is plain regression',
  'budget…: ceilings at other power budgets, and the model trained anew there (first seed)',
  'interference: two links in the same ten channels, gain over the even allocation and time for one',
  'low and high: 95 % bootstrap over seeds; n: seeds',
]

/** `npm run case:power [-- --json] [--quick] [--seeds N] [--budget P] [--noise N] …` */
async function runCase(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      json: { type: 'boolean' },
      quick: { type: 'boolean' },
      seeds: { type: 'string' },
      budget: { type: 'string' },
      noise: { type: 'string' },
      pairs: { type: 'string' },
      updates: { type: 'string' },
      steps: { type: 'string' },
      out: { type: 'string' },
    },
  })
  const { json = false, quick = false, out = '.gainnet/case-power', ...texts } = values
  const given = Object.entries(texts).map(([name, text]) => [name, numberOf(name, text)] as const)
  const options = { ...FULL, ...(quick ? QUICK : {}), ...Object.fromEntries(given) }
  const at = new Date()
  const write = ({ rows, curve }: Findings) => {
    const document = benchDocument('case:power', at, { rows, notes: NOTES })
    return { document, files: writeReport(out, document, { options, curve }) }
  }
  const { document, files } = write(await study(await loadOrt(), options, write))
  process.stdout.write(json ? jsonLine(document) : textTable(document))
  process.stderr.write(`${files.join(', ')} in ${out}\n`)
  return 0
}

/** Passes of a sampler there are at most as many as steps of the schedule. */
const STEPS_MAX = 6

function numberOf(name: string, text: string): number {
  const value = Number(text)
  if (name === 'budget' || name === 'noise') {
    if (value > 0 && value < Number.POSITIVE_INFINITY) return value
    throw new RangeError(`--${name} ${text}: a number above 0 is needed`)
  }
  const most = name === 'steps' ? STEPS_MAX : Number.MAX_SAFE_INTEGER
  if (Number.isInteger(value) && value >= 1 && value <= most) return value
  throw new RangeError(`--${name} ${text}: a whole number from 1 to ${most} is needed`)
}

interface Findings {
  readonly rows: readonly BenchRow[]
  readonly curve: readonly CurvePoint[]
}

/** After each seed the report holds what was found so far: all of them take their time. */
async function study(
  ort: Ort,
  options: StudyOptions,
  onSeed: (findings: Findings) => unknown,
): Promise<Findings> {
  const tally = new Tally()
  let curve: readonly CurvePoint[] = []
  for (let seed = 0; seed < options.seeds; seed++) {
    const points = await studySeed({ ort, options, seed, tally })
    if (seed === 0) curve = points
    process.stderr.write(`\rseed ${seed + 1} of ${options.seeds}`)
    onSeed({ rows: tally.rows(), curve })
  }
  process.stderr.write('\n')
  await studyBudgets(ort, options, tally)
  return { rows: [...tally.rows(), ...(await interferenceRows(ort, options))], curve }
}

async function interferenceRows(ort: Ort, options: StudyOptions): Promise<BenchRow[]> {
  const contestants = await studyInterference(ort, {
    pairs: Math.ceil(options.pairs / 4),
    updates: Math.ceil(1.5 * options.updates),
    heldBack: Math.min(500, options.heldBack),
    steps: Math.max(3, options.steps),
    seed: 0,
  })
  return contestants.flatMap(({ name, rate, even, milliseconds }) => [
    { name: `interference.${name}`, value: 100 * (rate / even - 1), unit: '%', n: 1 },
    { name: `interference-time.${name}`, value: milliseconds, unit: 'ms', n: 1 },
  ])
}

await runMain(runCase)
