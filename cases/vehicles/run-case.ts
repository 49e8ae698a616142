import { parseArgs } from 'node:util'
import { type BenchResult, benchDocument, jsonLine, textTable } from '../../bench/bench-report.ts'
import type { Policy } from '../../controller/orchestrate/policies/policy.ts'
import { BALANCED, type ScenarioOptions } from '../../controller/simulate/scenario-options.ts'
import { Tally } from '../report/tally.ts'
import { runMain } from '../run-main.ts'
import { learnedPolicies } from './learned-policies.ts'
import { MEASURED_FOLDERS, readMeasuredRates, readRelativeSpeeds } from './measured-cells.ts'
import { writeReport } from './report.ts'
import {
  studyCapacities,
  studyChanges,
  studyLimits,
  studyMeasured,
  studyShares,
} from './studies.ts'

const SEEDS = 30
/** Seeds of the studies beside the case itself. */
const SEEDS_OF_CHANGES_MAX = 10

const NOTES = [
  'optimum-share: total gain as a share of the clairvoyant optimum (exact dynamic programming per device)',
  'cap8, cap5: models take 8 or 5 devices a round; share of the Lagrangian bound with the future known',
  'robust: consumption in 5 of 9 slots, half the blocks, half the computing; share of the unlimited optimum',
  'robust…joules: least energy of the same samples in 5 slots over that in 9 (second stage)',
  'change: other cells; stale: links, views and gains one CR old when the decision is made',
  'sac: the actor alone; executed: as a controller executes it, the receding-horizon plan where the critics do not agree',
  'over-greedy: ratio to greedy gain on the same stale views, seed by seed, in per cent',
  'zero-shot: the same changes, met by the learned policy without training again',
  'traces: links by measured network traces, processors by measured speeds; stale: one CR old',
  'zeros-vs-serial: optimum with Zeros over the best serial schedule (goal 1.3)',
  'gap.stated.error: greatest difference between the gap that a plan stated and that of what was paid',
  'value: ratio of sums over seeds; low and high: 95 % bootstrap over seeds; n: seeds',
]

/** `npm run case:vehicles [-- --json] [--seeds N] [--vehicles N] [--policy FILE] …` */
async function runCase(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      json: { type: 'boolean' },
      seeds: { type: 'string' },
      vehicles: { type: 'string' },
      targets: { type: 'string' },
      models: { type: 'string' },
      slots: { type: 'string' },
      rounds: { type: 'string' },
      out: { type: 'string' },
      policy: { type: 'string' },
    },
  })
  const { json = false, seeds, out = '.gainnet/case-vehicles', policy, ...sizes } = values
  const counts = Object.entries(sizes).map(([name, text]) => [name, countOf(name, text)] as const)
  const options: ScenarioOptions = { ...BALANCED, ...Object.fromEntries(counts) }
  const at = new Date()
  const learned = await learnedPolicies(policy)
  const seedCount = seeds === undefined ? SEEDS : countOf('seeds', seeds)
  const document = benchDocument('case:vehicles', at, study(options, seedCount, learned))
  const files = writeReport(out, document, options)
  process.stdout.write(json ? jsonLine(document) : textTable(document))
  process.stderr.write(`${files.join(', ')} in ${out}\n`)
  return 0
}

function countOf(name: string, text: string): number {
  const count = Number(text)
  const least = name === 'slots' ? 3 : 1
  if (Number.isInteger(count) && count >= least) return count
  throw new RangeError(`--${name} ${text}: a whole number of at least ${least} is needed`)
}

function study(options: ScenarioOptions, seeds: number, learned: readonly Policy[]): BenchResult {
  const tally = new Tally()
  const rates = readMeasuredRates(MEASURED_FOLDERS.traces, options)
  const speeds = readRelativeSpeeds(MEASURED_FOLDERS.speeds)
  let statedError = 0
  for (let seed = 0; seed < seeds; seed++) {
    const one = { options, seed, tally, learned }
    statedError = Math.max(statedError, studyShares(one), studyCapacities(one))
    studyLimits(one)
    if (seed < SEEDS_OF_CHANGES_MAX) {
      studyChanges(one)
      studyMeasured(one, rates, speeds)
    }
    process.stderr.write(`\rseed ${seed + 1} of ${seeds}`)
  }
  process.stderr.write('\n')
  const error = { name: 'gap.stated.error', value: statedError, unit: 'of 1', n: seeds }
  const missing = rates.size > 0 ? [] : [`there are no traces in ${MEASURED_FOLDERS.traces}`]
  return { rows: [...tally.rows(), error], notes: [...NOTES, ...missing] }
}

await runMain(runCase)
