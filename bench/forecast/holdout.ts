import { REGRESSION_STARTS, type RegressionStarts } from '../../agent/urp/forecast/experts.ts'
import type { BenchResult, BenchRow } from '../bench-report.ts'
import { leastAbsolute } from './least-absolute.ts'
import { errorRows, SLOTS, scoresOf } from './score-rows.ts'
import { persistenceError, type SeenRound, seenRounds } from './seen-rounds.ts'
import { someTraces, type Trace } from './trace-file.ts'
import { slotRates } from './trace-slots.ts'

/** Lengths of the rounds that the starts are fitted to, in seconds. */
const FITTED = [2, 5, 10] as const
/** Of a family at each length: more would not tell more. */
const ROUNDS_MAX = 3000
const JUDGED = { roundSeconds: 5, leadSlots: 0 } as const
/** In units of a target: an error that is as good as none. */
const SMALL_ERROR = 0.02
/** Starts are to be small where the traces do not tell. */
const RIDGE = 0.03

/** Rounds of one family at one length, each with the place of its trace in the file. */
interface FamilyRounds {
  readonly family: string
  readonly rounds: readonly {
    readonly trace: number
    /** Mean error of persistence on the trace. */
    readonly unit: number
    readonly seen: SeenRound
  }[]
}

/**
 * Is what was learned on traces worth anything on others? The starts of the regressions are fitted to
 * every second trace and judged by the rest, and fitted to all families but one and judged by that.
 */
export function measureHoldout(families: ReadonlyMap<string, readonly Trace[]>): BenchResult {
  const known = [...families].flatMap(([family, traces]) =>
    FITTED.map(seconds => ({ family, rounds: roundsOf(traces, seconds) })),
  )
  const half = fitted(known, ({ trace }) => trace % 2 === 1)
  const nothing = {
    linear: REGRESSION_STARTS.linear.map(() => 0),
    logarithmic: REGRESSION_STARTS.logarithmic.map(() => 0),
  }
  const rows: BenchRow[] = []
  for (const [family, traces] of families) {
    const rest = traces.filter((_, index) => index % 2 === 0)
    const others = known.filter(one => one.family !== family)
    rows.push(
      ...rowsOf(`holdout.half.${family}`, rest, half),
      ...rowsOf(`holdout.half-unlearned.${family}`, rest, nothing),
      ...(others.length > 0 ? rowsOf(`holdout.family.${family}`, traces, fitted(others)) : []),
    )
  }
  return {
    rows,
    notes: [
      'half: starts fitted to the traces with odd index, judged by the others; half-unlearned: the ' +
        'same traces, starts of 0; family: starts fitted to all other families',
      `fitted to all: ${JSON.stringify(fitted(known))}`,
    ],
  }
}

function rowsOf(name: string, traces: readonly Trace[], starts: RegressionStarts): BenchRow[] {
  return errorRows(name, scoresOf(traces, { ...JUDGED, starts }))
}

function roundsOf(traces: readonly Trace[], roundSeconds: number): FamilyRounds['rounds'] {
  const some = someTraces(traces, { roundsMax: ROUNDS_MAX, roundSeconds })
  return some.flatMap(({ index, trace }) => {
    const rounds = seenRounds(slotRates(trace, roundSeconds / SLOTS), SLOTS)
    const unit = persistenceError(rounds) / rounds.length
    // Where nothing moves there is nothing to learn.
    return unit > 0 ? rounds.map(seen => ({ trace: index, unit, seen })) : []
  })
}

/**
 * Errors count by their size beside that of persistence on their trace, and each family and length with
 * the same weight: an error of one in the logarithm is one of the level, else it is one scale.
 */
function fitted(
  known: readonly FamilyRounds[],
  isChosen: (round: { readonly trace: number }) => boolean = () => true,
): RegressionStarts {
  const chosen = known.map(({ rounds }) => rounds.filter(isChosen))
  const startsOf = (form: keyof RegressionStarts, sizeOf: (seen: SeenRound) => number) => {
    const rows = chosen.flatMap(rounds =>
      rounds.map(({ seen, unit }) => ({
        ...seen[form],
        weight: sizeOf(seen) / unit / rounds.length,
        smallError: SMALL_ERROR,
      })),
    )
    const [, ...coefficients] = leastAbsolute(rows, { ridge: RIDGE })
    // Without that of the constant: a row that stands still is to be forecast to.
    return [0, ...coefficients.map(coefficient => Number(coefficient.toFixed(2)))]
  }
  return {
    linear: startsOf('linear', ({ scale }) => scale),
    logarithmic: startsOf('logarithmic', ({ value, scale }) => value + 0.1 * scale),
  }
}
