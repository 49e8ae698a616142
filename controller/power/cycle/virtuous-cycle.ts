import { sumRate } from '../channel-gains.ts'
import { isBetter } from './better.ts'
import { type GainSketch, gainSketch, sketchDistance } from './gain-sketch.ts'
import type { VersionStore } from './version-store.ts'

/** What a device tells after a round: its channels, the power it was given, and what came of it. */
export interface PowerReport {
  readonly agentId: string
  readonly gains: Float64Array
  readonly powers: Float64Array
  /** Bit/s/Hz that arrived, as the controller counted them; absent where nothing was sent. */
  readonly achievedRate?: number
}

/** States of channels, row after row. */
export interface GainRows {
  readonly gains: Float64Array
  readonly count: number
}

/** The model's part, which computes: everything else here decides. */
export interface CycleModel {
  /** Bit/s/Hz of each row, as the model of the file allocates. */
  readonly ratesOf: (file: Uint8Array, rows: GainRows) => Promise<Float64Array>
  /** Solves the rows exactly and trains on from a file: in the background, for it takes its time. */
  readonly retrain: (from: Uint8Array, rows: GainRows) => Promise<Uint8Array>
}

export interface CycleSettings {
  /** Distance of sketches from which on gains count as others. */
  readonly driftDistance: number
  /** Rounds in a row that must be so. */
  readonly driftRounds: number
  /** Rounds whose gains a distance is of. */
  readonly windowRounds: number
  /** Rows of new gains that training begins with. */
  readonly rowsMin: number
  /** Rows that are kept at most, old and new ones. */
  readonly rowsMax: number
  /** Rounds in which a version is watched that has just taken over. */
  readonly watchRounds: number
}

export const CYCLE_SETTINGS: CycleSettings = {
  driftDistance: 0.1,
  driftRounds: 2,
  windowRounds: 4,
  rowsMin: 150,
  rowsMax: 4000,
  watchRounds: 5,
}

/** Gains that are so many times too large or too small for the goodput are not believed. */
const DISBELIEF = 16
/** Of the rows, one of so many is held back from training. */
const HELD_BACK = 4
/** What a new version may lose on the gains of the old one, as a share of its rate. */
const OLD_LOSS_MAX = 0.005

export type CycleEvent =
  | { readonly type: 'drift'; readonly crId: number; readonly distance: number }
  | { readonly type: 'taken-over' | 'refused'; readonly crId: number; readonly version: string }
  | { readonly type: 'taken-back'; readonly crId: number; readonly version: string }
  | { readonly type: 'retraining-failed'; readonly crId: number; readonly reason: string }
  | { readonly type: 'disbelieved'; readonly crId: number; readonly agentId: string }

/**
 * The network supplies the data that improve what allocates its power (Du et al. 2024, section V): gains
 * that differ from those that the serving version learned from are collected and solved exactly, the
 * model is trained on in the background, and the new version takes over only where it is better on gains
 * that it did not learn from. A version that then turns out worse is taken back.
 */
export class VirtuousCycle {
  readonly #store: VersionStore
  readonly #model: CycleModel
  readonly #channels: number
  readonly #settings: CycleSettings
  /** Rows that the serving version learned from, or would have. */
  #known: readonly Float64Array[]
  /** Of the last rounds, a list each. */
  #window: readonly (readonly Float64Array[])[] = []
  /** Since the gains became others. */
  #fresh: readonly Float64Array[] = []
  #strangeRounds = 0
  #watchedRounds = 0
  #watched: readonly Float64Array[] = []
  #work: Promise<void> | null = null
  #events: CycleEvent[] = []

  constructor(o: {
    readonly store: VersionStore
    readonly model: CycleModel
    readonly channels: number
    /** Gains that the serving version learned from. */
    readonly known: GainRows
    readonly settings?: CycleSettings
  }) {
    this.#store = o.store
    this.#model = o.model
    this.#channels = o.channels
    this.#settings = o.settings ?? CYCLE_SETTINGS
    this.#known = splitRows(o.known, o.channels)
  }

  /** The distance of the last rounds' gains from those that the serving version learned from. */
  get distance(): number {
    const { serving } = this.#store
    const sketch: GainSketch = Float64Array.from(serving?.sketch ?? [])
    return sketchDistance(sketch, gainSketch(this.#join(this.#window.flat()).gains))
  }

  /** Takes in a round; tells what was decided since the last call. */
  async observe(crId: number, reports: readonly PowerReport[]): Promise<readonly CycleEvent[]> {
    const rows = this.#believed(crId, reports)
    const { windowRounds } = this.#settings
    this.#window = [...this.#window, rows].slice(-windowRounds)
    await this.#watch(crId, rows)
    // A version that is still watched is not yet the parent of another one.
    if (this.#work === null && this.#watchedRounds === 0) this.#lookForDrift(crId, rows)
    const events = this.#events
    this.#events = []
    return events
  }

  /** Waits for what runs in the background. */
  async settle(): Promise<void> {
    await this.#work
  }

  /** A version that somebody puts in place: it is watched like any other. */
  async install(crId: number, file: Uint8Array, reason: string): Promise<void> {
    const rows = this.#join(this.#known)
    await this.#store.add(file, {
      parent: this.#store.serving?.version ?? null,
      crId,
      reason,
      rows: rows.count,
      sketch: [...gainSketch(rows.gains)],
      state: 'serving',
    })
    this.#watchedRounds = this.#settings.watchRounds
    this.#watched = []
  }

  /** Gains of devices whose goodput does not speak against them. */
  #believed(crId: number, reports: readonly PowerReport[]): readonly Float64Array[] {
    return reports.flatMap(({ agentId, gains, powers, achievedRate }) => {
      const isWhole = gains.length === this.#channels && gains.every(gain => gain >= 0)
      const isLikely = achievedRate === undefined || isCredible(gains, powers, achievedRate)
      if (isWhole && isLikely) return [gains]
      this.#events.push({ type: 'disbelieved', crId, agentId })
      return []
    })
  }

  #lookForDrift(crId: number, rows: readonly Float64Array[]): void {
    const { driftDistance, driftRounds, rowsMin, rowsMax } = this.#settings
    const { distance } = this
    this.#strangeRounds = distance > driftDistance ? this.#strangeRounds + 1 : 0
    if (this.#strangeRounds === 0) {
      this.#fresh = []
      return
    }
    this.#fresh = [...this.#fresh, ...rows].slice(-rowsMax / 2)
    if (this.#strangeRounds === driftRounds) this.#events.push({ type: 'drift', crId, distance })
    if (this.#strangeRounds < driftRounds || this.#fresh.length < rowsMin) return
    this.#work = this.#retrain(crId, this.#fresh).finally(() => {
      this.#work = null
    })
  }

  async #retrain(crId: number, fresh: readonly Float64Array[]): Promise<void> {
    const { serving } = this.#store
    if (!serving) return
    try {
      const isHeld = (_: unknown, place: number) => place % HELD_BACK === 0
      const [held, old] = [fresh.filter(isHeld), this.#known.filter(isHeld)]
      const learned = [...this.#known, ...fresh].filter((_, place) => !isHeld(_, place))
      const before = await this.#store.file(serving.version)
      const after = await this.#model.retrain(before, this.#join(learned))
      const isTaken = await this.#isImprovement(before, after, { held, old })
      const { version } = await this.#store.add(after, {
        parent: serving.version,
        crId,
        reason: `drift in round ${crId}`,
        rows: learned.length,
        sketch: [...gainSketch(this.#join(fresh).gains)],
        state: isTaken ? 'serving' : 'refused',
      })
      this.#strangeRounds = 0
      this.#fresh = []
      this.#events.push({ type: isTaken ? 'taken-over' : 'refused', crId, version })
      if (!isTaken) return
      this.#known = [...this.#known, ...fresh].slice(-this.#settings.rowsMax)
      this.#watchedRounds = this.#settings.watchRounds
      this.#watched = []
    } catch (error) {
      // The serving version serves on; the next strange rounds try again.
      this.#events.push({
        type: 'retraining-failed',
        crId,
        reason: error instanceof Error ? error.message : String(error),
      })
    }
  }

  /** Better on new gains that were held back, and hardly worse on old ones. */
  async #isImprovement(
    before: Uint8Array,
    after: Uint8Array,
    rows: Readonly<Record<'held' | 'old', readonly Float64Array[]>>,
  ): Promise<boolean> {
    const rates = (file: Uint8Array, part: readonly Float64Array[]) =>
      this.#model.ratesOf(file, this.#join(part))
    const held = [await rates(before, rows.held), await rates(after, rows.held)] as const
    const old = [await rates(before, rows.old), await rates(after, rows.old)] as const
    const sum = (values: Float64Array) => values.reduce((total, one) => total + one, 0)
    return isBetter(held[1], held[0]) && sum(old[1]) >= (1 - OLD_LOSS_MAX) * sum(old[0])
  }

  /** Judges a version that has just taken over beside the one before, by gains as they come. */
  async #watch(crId: number, rows: readonly Float64Array[]): Promise<void> {
    const { serving } = this.#store
    if (this.#work !== null || this.#watchedRounds === 0 || !serving?.parent) return
    this.#watchedRounds--
    this.#watched = [...this.#watched, ...rows]
    const judged = this.#join(this.#watched)
    if (judged.count === 0) return
    const ratesOf = async (version: string) =>
      this.#model.ratesOf(await this.#store.file(version), judged)
    const [now, before] = [await ratesOf(serving.version), await ratesOf(serving.parent)]
    if (!isBetter(before, now)) return
    await this.#store.takeBack(serving.version)
    this.#watchedRounds = 0
    this.#events.push({ type: 'taken-back', crId, version: serving.version })
  }

  #join(rows: readonly Float64Array[]): GainRows {
    const gains = new Float64Array(rows.length * this.#channels)
    for (const [place, row] of rows.entries()) gains.set(row, place * this.#channels)
    return { gains, count: rows.length }
  }
}

/** Whether the goodput lies between those of gains sixteen times as small and as large. */
function isCredible(gains: Float64Array, powers: Float64Array, achievedRate: number): boolean {
  const rateOf = (factor: number) =>
    sumRate(
      gains.map(gain => factor * gain),
      powers,
    )
  return achievedRate >= rateOf(1 / DISBELIEF) && achievedRate <= rateOf(DISBELIEF)
}

function splitRows({ gains, count }: GainRows, channels: number): readonly Float64Array[] {
  return Array.from({ length: count }, (_, row) =>
    gains.slice(row * channels, (row + 1) * channels),
  )
}
