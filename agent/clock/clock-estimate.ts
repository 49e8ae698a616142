import type { SessionExchange } from './clock-exchange.ts'
import { type DatedOffset, DRIFT_UNKNOWN, type Drift, driftOf } from './drift.ts'

/** Kept exchanges: at one or two a communication round some ten minutes, which bounds the drift. */
const EXCHANGES_MAX = 32

/** Where the controller's clock is, seen from ours, at a moment. */
export interface ClockReading {
  /** Controller's clock minus the agent's. */
  readonly offsetMs: number
  /** The true offset is within this. */
  readonly errorMs: number
  /** Of the exchange that it is of, by the agent's clock. */
  readonly measuredAtMs: number
  readonly drift: Drift
}

interface Kept extends DatedOffset {
  readonly session: number
}

/**
 * The controller's clock as this agent knows it. Of the exchanges of a window the one counts whose
 * error is least now: half its delay, and what the clocks may have drifted apart since (the clock
 * filter of RFC 5905, 10, with its distance as the bound that is told).
 */
export class ClockEstimate {
  #kept: readonly Kept[] = []
  #drift: Drift = DRIFT_UNKNOWN
  #jumpedMs = 0

  /** An exchange that ended at a moment of the agent's clock. */
  add({ session, offsetMs, rttMs }: SessionExchange, atMs: number): void {
    const errorMs = rttMs / 2 + rttMs * DRIFT_UNKNOWN.errorPpm * 1e-6
    const exchange = { session, atMs, offsetMs, errorMs }
    // Each life of the controller takes its clock from the system anew.
    const isNewLife = this.#kept.some(kept => kept.session !== session)
    const isOverJump = this.#jumpedMs > 0
    const isFirst = isNewLife || isOverJump || this.#contradicts(exchange)
    this.#kept = [...(isFirst ? [] : this.#kept), exchange].slice(-EXCHANGES_MAX)
    this.#drift = driftOf(this.#kept)
    this.#jumpedMs = 0
  }

  /** Our clock stood still or the date was set: until the next exchange all is off by so much. */
  jumped(byMs: number): void {
    this.#jumpedMs += Math.abs(byMs)
  }

  get isKnown(): boolean {
    return this.#kept.length > 0
  }

  /** Undefined until the first exchange. */
  at(nowMs: number): ClockReading | undefined {
    const readings = this.#kept.map(kept => this.#readingOf(kept, nowMs))
    return readings.reduce<ClockReading | undefined>(
      (best, reading) => (best && best.errorMs <= reading.errorMs ? best : reading),
      undefined,
    )
  }

  #readingOf({ atMs, offsetMs, errorMs }: Kept, nowMs: number): ClockReading {
    const ageMs = Math.max(0, nowMs - atMs)
    const { ppm, errorPpm } = this.#drift
    return {
      offsetMs: offsetMs + ageMs * ppm * 1e-6,
      errorMs: errorMs + ageMs * errorPpm * 1e-6 + this.#jumpedMs,
      measuredAtMs: atMs,
      drift: this.#drift,
    }
  }

  /** Further off than both bounds allow: a clock was set, or drifts more than a clock may. */
  #contradicts({ atMs, offsetMs, errorMs }: Kept): boolean {
    const known = this.at(atMs)
    return known !== undefined && Math.abs(offsetMs - known.offsetMs) > known.errorMs + errorMs
  }
}
