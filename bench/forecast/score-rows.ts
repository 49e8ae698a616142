import type { BenchRow } from '../bench-report.ts'
import type { Trace } from './trace-file.ts'
import { slotRates } from './trace-slots.ts'
import { type Score, type WalkOptions, walkForward } from './walk-forward.ts'

/** A round of every bench of forecasts is cut into so many. */
export const SLOTS = 10

/** How rounds are cut, and what is known when they are forecast. */
export interface Cut extends Omit<WalkOptions, 'slotsPerRound'> {
  readonly roundSeconds: number
}

/** One a trace that has two rounds. */
export function scoresOf(
  traces: readonly Trace[],
  { roundSeconds, ...options }: Cut,
): readonly Score[] {
  return traces
    .map(trace =>
      walkForward(slotRates(trace, roundSeconds / SLOTS), { slotsPerRound: SLOTS, ...options }),
    )
    .filter(({ rounds }) => rounds > 0)
}

/** Error beside that of persistence; none where there is no trace of two rounds. */
export function errorRows(name: string, scores: readonly Score[]): BenchRow[] {
  if (scores.length === 0) return []
  const errors = shareRow(name, scores, ({ error }) => error)
  const referenceValue = meanOf(scores, ({ persistenceError }) => persistenceError)
  return [{ ...errors, ...besidePersistence(errors.value, referenceValue) }]
}

/** Where nothing ever changes, both are right. */
export function besidePersistence(
  value: number,
  referenceValue: number,
): Pick<BenchRow, 'reference' | 'referenceValue' | 'ratio'> {
  return {
    reference: 'persistence',
    referenceValue,
    ratio: value > 0 ? referenceValue / value : 1,
  }
}

/** A sum a round, over all rounds, and the span over the traces. */
export function shareRow(
  name: string,
  scores: readonly Score[],
  of: (score: Score) => number,
): BenchRow {
  const each = scores.map(score => of(score) / score.rounds)
  return {
    name,
    value: meanOf(scores, of),
    unit: 'Mbit/s',
    low: Math.min(...each),
    high: Math.max(...each),
    n: each.length,
  }
}

export function meanOf(scores: readonly Score[], of: (score: Score) => number): number {
  const rounds = scores.reduce((sum, score) => sum + score.rounds, 0)
  return scores.reduce((sum, score) => sum + of(score), 0) / rounds
}
