import { median } from './median.ts'
import type { RecentParts } from './recent-parts.ts'
import type { RobustRegression } from './robust-regression.ts'
import { roundsAlike } from './rounds-alike.ts'
import type { Season } from './season.ts'

/** What the experts look at. */
export interface RowState {
  readonly recent: RecentParts
  /** Smoothed levels with half-lives of 0.2, 0.4, 0.8, 1.6, 3.2 and 6.4 rounds. */
  readonly levels: readonly number[]
  readonly last: number
  /** Mean since the last jump. */
  readonly stepLevel: number
  /** Mean absolute change from round to round, above 0. */
  readonly scale: number
  readonly season: Season
  readonly linear: RobustRegression
  readonly logarithmic: RobustRegression
}

/** What a regression on this moment says, and how a later value becomes its target. */
export interface Regressor {
  readonly features: readonly number[]
  target(value: number): number
  value(target: number): number
}

/** An expert's name and its forecast of the coming round's mean. */
export interface Opinion {
  readonly name: string
  readonly value: number
}

export interface Opinions {
  readonly opinions: readonly Opinion[]
  readonly regressors: { readonly linear: Regressor; readonly logarithmic: Regressor }
}

/** Coefficients that the regressions begin with, that of the constant first. */
export interface RegressionStarts {
  readonly linear: readonly number[]
  readonly logarithmic: readonly number[]
}

/**
 * Prior knowledge for rows of which little has been seen: least absolute deviations over rounds of 2,
 * 5 and 10 s of five families of network traces, each family with the same weight. The bench prints
 * them (`npm run bench -- forecast --holdout`), and what such ones are worth on other traces. That of
 * the constant stays 0: a row that stands still is forecast to.
 */
export const REGRESSION_STARTS: RegressionStarts = {
  linear: [0, 0.19, 0.2, -0.06, 0.03, -0.01, -0.02, -0.08],
  logarithmic: [0, -0.52, -0.47, -0.22, 0.09, -0.1, 0.21, -0.09],
}

/** The constant beside features of about one: it moves less than they do. */
const CONSTANT = 0.3
/** Changes are told apart up to this many scales, or this power of e. */
const CHANGE_MAX = 20

/**
 * These begin ahead, by so many scales. A rate is rather a random walk than a mean with noise, and of
 * the averages of a walk the next is nearest to the end of the last (Working 1960). The regressions
 * begin with what other rows have taught.
 */
const AHEAD: Readonly<Record<string, number>> = {
  'last slot and smoothed': 0.5,
  'robust AR': 1,
  'robust AR of logarithm': 1,
  'fading median': -2,
  'after rounds alike': -2,
  'after rounds alike, lately': -2,
}

/** So much further ahead in a row whose rounds hold one number each: see heldShare. */
const AHEAD_WHEN_HELD: Readonly<Record<string, number>> = {
  'fading median': 8,
  'after rounds alike': 8,
  'after rounds alike, lately': 8,
}

/** Loss with which an expert begins. */
export function firstLoss(name: string): number {
  return -(AHEAD[name] ?? 0)
}

/** Scales by which an expert's loss counts less, with the share of the rounds that is held. */
export function headStart(name: string, held: number): number {
  return held * (AHEAD_WHEN_HELD[name] ?? 0)
}

/** All opinions on the coming round, from the nearest look back to the longest, and the learned ones. */
export function opinionsOn(state: RowState): Opinions {
  const { recent, levels, last, season } = state
  const [short, slots, near, round, rounds] = levels
  const level = near ?? last
  const latest = known(recent.roundMean(0), level)
  const medians = [known(recent.roundMedian(4), last), known(recent.roundMedian(8), last)] as const
  const alike = roundsAlike(recent)
  const between = (last + level) / 2
  const seen = [last, slots, round, rounds, medians[0], Math.max(latest, medians[0])]
  const inputs = [...seen, known(recent.roundMean(1), latest)].map(value => value ?? last)
  const regressors = regressorsOf({ state, base: between, inputs })
  const most = 1.05 * Math.max(recent.largest, last)
  const bounded = (value: number) => Math.min(most, Math.max(0, value))
  const said = ({ features, value }: Regressor, regression: RobustRegression) =>
    bounded(value(regression.predict(features)))
  const opinions = {
    'last round': latest,
    'last slot': last,
    'smoothed 0.2': short ?? last,
    'smoothed 0.4': slots ?? last,
    'smoothed 0.8': level,
    'smoothed 1.6': round ?? last,
    'last slot and smoothed': between,
    'damped trend': bounded(last + 0.5 * (last - (slots ?? last))),
    'median of 4': medians[0],
    'median of 8': medians[1],
    'last slot and median': (between + medians[0]) / 2,
    'median of methods': median([last, slots ?? last, round ?? last, ...medians]),
    'upper of round and median': Math.max(latest, medians[0]),
    'level since step': state.stepLevel,
    'fading median': known(alike.fadingMedian, last),
    'after rounds alike': known(alike.after, last),
    'after rounds alike, lately': known(alike.afterLately, last),
    season: season.forecast(recent),
    'robust AR': said(regressors.linear, state.linear),
    'robust AR of logarithm': said(regressors.logarithmic, state.logarithmic),
  }
  return {
    opinions: Object.entries(opinions).map(([name, value]) => ({ name, value })),
    regressors,
  }
}

// Autoregression on levels and rounds u, around the base b that a random walk would have:
//
//   (y - b) / s = w₀ + Σ wᵢ (uᵢ - b) / s
//   log(y + c) - log(b + c) = w₀ + Σ wᵢ (log(uᵢ + c) - log(b + c)),   c a tenth of the long level
function regressorsOf(given: {
  readonly state: RowState
  readonly base: number
  readonly inputs: readonly number[]
}): Opinions['regressors'] {
  const { state, base, inputs } = given
  const { scale, levels } = state
  const offset = 0.1 * (levels.at(-1) ?? base) + 0.1 * scale
  const logOf = (value: number): number => Math.log(Math.max(0, value) + offset)
  const logBase = logOf(base)
  return {
    linear: {
      features: [CONSTANT, ...inputs.map(input => clipped((input - base) / scale))],
      target: value => clipped((value - base) / scale),
      value: target => base + scale * target,
    },
    logarithmic: {
      features: [CONSTANT, ...inputs.map(input => clipped(logOf(input) - logBase))],
      target: value => clipped(logOf(value) - logBase),
      value: target => Math.exp(clipped(target) + logBase) - offset,
    },
  }
}

function known(value: number, otherwise: number): number {
  return Number.isNaN(value) ? otherwise : value
}

function clipped(change: number): number {
  return Math.min(CHANGE_MAX, Math.max(-CHANGE_MAX, change))
}
