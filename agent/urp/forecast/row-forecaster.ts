import { ExpertMixture } from './expert-mixture.ts'
import {
  firstLoss,
  headStart,
  type Opinions,
  opinionsOn,
  REGRESSION_STARTS,
  type RegressionStarts,
  type RowState,
} from './experts.ts'
import { heldShare } from './held-rounds.ts'
import { IntervalTracker } from './interval-tracker.ts'
import { meanOfKnown } from './mean-of-known.ts'
import { RecentParts } from './recent-parts.ts'
import { RobustRegression } from './robust-regression.ts'
import { Season } from './season.ts'
import { SmoothedLevels } from './smoothed-levels.ts'
import { StepLevel } from './step-level.ts'

/** A round of more slots is looked at in this many parts: memory and time have a bound so. */
export const PARTS_MAX = 10
/** Of what a round teaches the mixture, so much comes from its end, the rest from its other slots. */
const END_SHARE = 0.5
/** Per round, of the smoothed change from round to round. */
const SCALE_GAIN = 0.2
/** A row that hardly moves has this much of its level as its scale. */
const SCALE_LEAST_SHARE = 0.02
/** For a row of zeros alone. */
const SCALE_LEAST = 1e-9

/** What the coming round will be like on average, in the row's own unit. */
export interface RowForecast {
  readonly p10: number
  readonly p50: number
  readonly p90: number
  /** The method with the most weight in the mixture. */
  readonly method: string
}

interface Pending {
  readonly opinions: Opinions
  readonly values: readonly number[]
  readonly headStarts: readonly number[]
  readonly mixed: number
  readonly scale: number
  readonly isRoundEnd: boolean
}

/**
 * Forecasts the mean of the coming round of one row (a link, a core) from its slots. After each slot
 * every expert says what the next round's length will be like; when it has passed, the experts, their
 * weights and the regressions learn from it. Rounds weigh more than what lies across two.
 */
export class RowForecaster {
  readonly #partsPerRound: number
  readonly #recent: RecentParts
  readonly #levels: SmoothedLevels
  readonly #stepLevel: StepLevel
  readonly #season = new Season()
  readonly #linear: RobustRegression
  readonly #logarithmic: RobustRegression
  #mixture: ExpertMixture | null = null
  readonly #interval = new IntervalTracker()
  /** Oldest first, one a part; null where there was nothing to say. */
  readonly #pending: (Pending | null)[] = []
  #last = Number.NaN
  #change = 0
  #changes = 0

  constructor(slots: number, starts: RegressionStarts = REGRESSION_STARTS) {
    const partsPerRound = Math.max(1, Math.min(slots, PARTS_MAX))
    this.#partsPerRound = partsPerRound
    this.#recent = new RecentParts(partsPerRound)
    this.#levels = new SmoothedLevels(partsPerRound)
    this.#stepLevel = new StepLevel(partsPerRound)
    this.#linear = new RobustRegression(starts.linear, { partsPerRound })
    this.#logarithmic = new RobustRegression(starts.logarithmic, { partsPerRound })
  }

  /** One round, its slots in order. What is not finite or below 0 has not been measured. */
  observe(slots: ArrayLike<number>): void {
    const count = this.#partsPerRound
    for (let part = 0; part < count; part++) {
      const from = Math.floor((part * slots.length) / count)
      const to = Math.floor(((part + 1) * slots.length) / count)
      this.#observePart(meanOfKnown(slots, from, to), part === count - 1)
    }
  }

  /** What the experts say of the coming round, from which the forecast is mixed; null as below. */
  opinions(): (Opinions & { readonly scale: number }) | null {
    const said = this.#pending.at(-1)
    return said ? { ...said.opinions, scale: said.scale } : null
  }

  /** Null until something has been measured. */
  forecast(): RowForecast | null {
    const said = this.#pending.at(-1)
    if (!said) return null
    const { mixed, scale, values, headStarts, opinions } = said
    const { low, high } = this.#interval.around(mixed, scale)
    const leader = this.#mixture?.leader(values, headStarts) ?? 0
    const method = opinions.opinions[leader]?.name ?? 'none'
    return { p10: Math.min(low, mixed), p50: mixed, p90: Math.max(high, mixed), method }
  }

  #observePart(part: number, isRoundEnd: boolean): void {
    this.#recent.push(part)
    if (!Number.isNaN(part)) {
      this.#levels.push(part)
      this.#stepLevel.push(part)
      this.#last = part
    }
    this.#learn()
    this.#season.push(this.#recent)
    this.#noteChange()
    this.#pending.push(this.#say(isRoundEnd))
  }

  #learn(): void {
    if (this.#pending.length < this.#partsPerRound) return
    const said = this.#pending.shift()
    const value = this.#recent.roundMean(0)
    if (!said || Number.isNaN(value)) return
    const { opinions, values, mixed, scale, isRoundEnd } = said
    const age = 1 / this.#partsPerRound
    const share = (1 - END_SHARE) * age + (isRoundEnd ? END_SHARE : 0)
    this.#mixture?.learn(values, { value, scale, share, age })
    const { linear, logarithmic } = opinions.regressors
    this.#linear.learn(linear.features, linear.target(value))
    this.#logarithmic.learn(logarithmic.features, logarithmic.target(value))
    if (isRoundEnd) this.#interval.learn(mixed, { value, scale })
  }

  #noteChange(): void {
    const change = Math.abs(this.#recent.roundMean(0) - this.#recent.roundMean(1))
    if (Number.isNaN(change)) return
    // The mean of all changes while there are few.
    const gain = Math.max(SCALE_GAIN / this.#partsPerRound, 1 / ++this.#changes)
    this.#change += gain * (change - this.#change)
  }

  #say(isRoundEnd: boolean): Pending | null {
    if (Number.isNaN(this.#last)) return null
    const state = this.#state()
    const opinions = opinionsOn(state)
    const values = opinions.opinions.map(({ value }) => value)
    this.#mixture ??= new ExpertMixture(opinions.opinions.map(({ name }) => firstLoss(name)))
    const held = heldShare(this.#recent)
    const headStarts = opinions.opinions.map(({ name }) => headStart(name, held))
    const mixed = this.#mixture.mix(values, headStarts)
    return { opinions, values, headStarts, mixed, scale: state.scale, isRoundEnd }
  }

  #state(): RowState {
    const levels = this.#levels.values
    // Until two rounds are known, nothing is known of changes: all of the value may change.
    const change = this.#changes === 0 ? this.#last : this.#change
    return {
      recent: this.#recent,
      levels,
      last: this.#last,
      stepLevel: this.#stepLevel.value,
      scale: Math.max(change, SCALE_LEAST_SHARE * (levels.at(-2) ?? 0), SCALE_LEAST),
      season: this.#season,
      linear: this.#linear,
      logarithmic: this.#logarithmic,
    }
  }
}
