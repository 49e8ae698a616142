import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Bench, BenchResult, BenchRow } from './bench-report.ts'
import { measureHoldout } from './forecast/holdout.ts'
import { hindsightError } from './forecast/oracle.ts'
import { type PromiseScore, walkPromises } from './forecast/promise-walk.ts'
import {
  besidePersistence,
  errorRows,
  meanOf,
  SLOTS,
  scoresOf,
  shareRow,
} from './forecast/score-rows.ts'
import { persistenceError, seenRounds } from './forecast/seen-rounds.ts'
import { readTraces, someTraces, type Trace, traceFamilies } from './forecast/trace-file.ts'
import { slotRates } from './forecast/trace-slots.ts'

// A forecast is worth its code where it is clearly better than "as now", and its interval where it
// is neither bragging nor useless.
const GOALS =
  'goals: each ratio 1.18 or more (error 0.85 of persistence), coverage80 from 0.75 to 0.85'
/** Of a family, with --quick; without, all. */
const TRACES_QUICK = 20

/** Of a family, for the rows of oracle and promise, which take long. */
const ROUNDS_MAX = 8000

/** The rows that are judged: rounds of 5 s in ten slots, all of the round before known. */
const JUDGED = { roundSeconds: 5, leadSlots: 0 } as const
/** The same at other lengths, and with the last slot unknown, as when a URP is sent ahead. */
const OTHERS = [
  { suffix: 'cr2s', roundSeconds: 2, leadSlots: 0 },
  { suffix: 'cr10s', roundSeconds: 10, leadSlots: 0 },
  { suffix: 'cr30s', roundSeconds: 30, leadSlots: 0 },
  { suffix: 'ahead', roundSeconds: 5, leadSlots: 1 },
] as const

/** How well the coming round's rate is forecast on traces of real networks. */
export const forecast: Bench = {
  name: 'forecast',
  description: 'error and coverage of the forecast on measured network traces',
  minutes: 3,
  async run({ quick, holdout, traces = join('..', 'shared', 'data', 'network-traces') }) {
    const folder = resolve(traces)
    if (!existsSync(folder)) return { rows: [], notes: [`there is no folder of traces ${folder}`] }
    const options = { tracesMax: quick ? TRACES_QUICK : Number.POSITIVE_INFINITY }
    return holdout ? measureHoldout(familiesOf(folder, options)) : measureForecasts(folder, options)
  },
}

function familiesOf(
  folder: string,
  { tracesMax }: { readonly tracesMax: number },
): Map<string, Trace[]> {
  const files = [...traceFamilies(folder)]
  return new Map(files.map(([family, file]) => [family, readTraces(file).slice(0, tracesMax)]))
}

export function measureForecasts(
  folder: string,
  options: { readonly tracesMax: number },
): BenchResult {
  const rows: BenchRow[] = []
  const notes: string[] = []
  for (const [family, traces] of familiesOf(folder, options)) {
    const judged = judgedRows(family, traces)
    if (judged.length === 0) notes.push(`${family} has no trace of two rounds`)
    const some = someTraces(traces, { roundsMax: ROUNDS_MAX, ...JUDGED }).map(({ trace }) => trace)
    rows.push(...judged, ...oracleRows(family, some), ...promiseRows(family, some))
    for (const { suffix, ...cut } of OTHERS) {
      rows.push(...errorRows(`mae.${suffix}.${family}`, scoresOf(traces, cut)))
    }
  }
  if (rows.length === 0) notes.push(`there are no traces (*.jsonl, *.jsonl.gz) in ${folder}`)
  return {
    rows,
    notes: [
      GOALS,
      'mean rate of the coming round, forecast round after round from what came before; rounds of 5 s in ' +
        'ten slots (cr2s, cr10s, cr30s: other lengths; ahead: the last slot not known yet)',
      'value: over all rounds of a family; low and high: over its traces; n: traces',
      'vs-last-slot: the same error beside that of "as the latest slot was"',
      'oracle: the best fixed linear combination of all experts, chosen in hindsight on ' +
        `the very rounds that it is judged by (of a long family about ${ROUNDS_MAX} rounds)`,
      'promise: quantile loss of what a URP promises for each slot, beside the 0.25 quantile of recent ' +
        'rounds; kept: share of slots that had what was promised, 0.75 is right',
      ...notes,
    ],
  }
}

/** Error beside persistence and beside the last slot, and coverage. */
export function judgedRows(family: string, traces: readonly Trace[]): BenchRow[] {
  const scores = scoresOf(traces, JUDGED)
  if (scores.length === 0) return []
  const { unit: _, ...coverage } = shareRow(
    `coverage80.${family}`,
    scores,
    ({ covered }) => covered,
  )
  const lastSlot = meanOf(scores, ({ lastSlotError }) => lastSlotError)
  const [judged] = errorRows(`mae.vs-persistence.${family}`, scores)
  return judged
    ? [
        judged,
        {
          ...judged,
          name: `mae.vs-last-slot.${family}`,
          reference: 'last slot',
          referenceValue: lastSlot,
          ratio: lastSlot / judged.value,
        },
        { ...coverage, unit: 'of 1' },
      ]
    : []
}

/** What the experts have to offer at most, as far as one combination of them fits all rounds. */
function oracleRows(family: string, traces: readonly Trace[]): BenchRow[] {
  const slotSeconds = JUDGED.roundSeconds / SLOTS
  const rounds = traces.flatMap(trace => seenRounds(slotRates(trace, slotSeconds), SLOTS))
  if (rounds.length === 0) return []
  const value = hindsightError(rounds) / rounds.length
  return [
    {
      name: `oracle.${family}`,
      value,
      unit: 'Mbit/s',
      ...besidePersistence(value, persistenceError(rounds) / rounds.length),
      n: traces.length,
    },
  ]
}

/** How good what the matrices promise is, slot by slot. */
function promiseRows(family: string, traces: readonly Trace[]): BenchRow[] {
  const scores = traces
    .map(trace => walkPromises(slotRates(trace, JUDGED.roundSeconds / SLOTS), SLOTS))
    .filter(({ slots }) => slots > 0)
  if (scores.length === 0) return []
  const share = (of: (score: PromiseScore) => number): number =>
    scores.reduce((sum, score) => sum + of(score), 0) /
    scores.reduce((sum, { slots }) => sum + slots, 0)
  const [value, referenceValue] = [share(({ loss }) => loss), share(one => one.recentLoss)]
  return [
    {
      name: `promise.${family}`,
      value,
      unit: 'Mbit/s',
      reference: 'recent quantile',
      referenceValue,
      ratio: value > 0 ? referenceValue / value : 1,
      n: scores.length,
    },
    {
      name: `promise.kept.${family}`,
      value: share(({ kept }) => kept),
      unit: 'of 1',
      n: scores.length,
    },
  ]
}
