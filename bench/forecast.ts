import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Bench, BenchResult, BenchRow } from './bench-report.ts'
import { readTraces, type Trace, traceFamilies } from './forecast/trace-file.ts'
import { slotRates } from './forecast/trace-slots.ts'
import { type Score, type WalkOptions, walkForward } from './forecast/walk-forward.ts'

// A forecast is worth its code where it is clearly better than "as now", and its interval where it
// is neither bragging nor useless.
const GOALS =
  'goals: each ratio 1.18 or more (error 0.85 of persistence), coverage80 from 0.75 to 0.85'
/** Of a family, with --quick; without, all. */
const TRACES_QUICK = 20
const SLOTS = 10

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
  minutes: 4,
  async run({ quick, traces = join('..', 'shared', 'data', 'network-traces') }) {
    const folder = resolve(traces)
    if (!existsSync(folder)) return { rows: [], notes: [`there is no folder of traces ${folder}`] }
    return measureForecasts(folder, { tracesMax: quick ? TRACES_QUICK : Number.POSITIVE_INFINITY })
  },
}

export function measureForecasts(
  folder: string,
  { tracesMax }: { readonly tracesMax: number },
): BenchResult {
  const rows: BenchRow[] = []
  const notes: string[] = []
  for (const [family, file] of traceFamilies(folder)) {
    const traces = readTraces(file).slice(0, tracesMax)
    const judged = judgedRows(family, traces)
    if (judged.length === 0) notes.push(`${family} has no trace of two rounds`)
    rows.push(...judged)
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
      ...notes,
    ],
  }
}

function scoresOf(
  traces: readonly Trace[],
  cut: { readonly roundSeconds: number; readonly leadSlots: number },
): Score[] {
  const options: WalkOptions = { slotsPerRound: SLOTS, leadSlots: cut.leadSlots }
  return traces
    .map(trace => walkForward(slotRates(trace, cut.roundSeconds / SLOTS), options))
    .filter(({ rounds }) => rounds > 0)
}

/** Error beside persistence and beside the last slot, and coverage. */
export function judgedRows(family: string, traces: readonly Trace[]): BenchRow[] {
  const scores = scoresOf(traces, JUDGED)
  if (scores.length === 0) return []
  const { unit: _, ...coverage } = row(`coverage80.${family}`, scores, ({ covered }) => covered)
  const lastSlot = mean(scores, ({ lastSlotError }) => lastSlotError)
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

function errorRows(name: string, scores: readonly Score[]): BenchRow[] {
  if (scores.length === 0) return []
  const errors = row(name, scores, ({ error }) => error)
  const referenceValue = mean(scores, ({ persistenceError }) => persistenceError)
  // Where nothing ever changes, both are right.
  const ratio = errors.value > 0 ? referenceValue / errors.value : 1
  return [{ ...errors, reference: 'persistence', referenceValue, ratio }]
}

function row(name: string, scores: readonly Score[], of: (score: Score) => number): BenchRow {
  const each = scores.map(score => of(score) / score.rounds)
  return {
    name,
    value: mean(scores, of),
    unit: 'Mbit/s',
    low: Math.min(...each),
    high: Math.max(...each),
    n: each.length,
  }
}

function mean(scores: readonly Score[], of: (score: Score) => number): number {
  const rounds = scores.reduce((sum, score) => sum + score.rounds, 0)
  return scores.reduce((sum, score) => sum + of(score), 0) / rounds
}
