import type { ConsumeOrder } from '../../protocol/assignment.ts'
import { type Clock, until } from '../../runtime/clock.ts'
import { type CrSchedule, rangeMs } from '../cr-schedule.ts'

/** A pause this short is not worth a timer. */
const PAUSE_MS_MIN = 1

/**
 * Lets work run only in the slots that were allocated, and training only as much as was allocated:
 * of a computing share of 0.4, a run of 100 ms CPU time is followed by 150 ms of rest.
 */
export class SlotGate {
  readonly #schedule: CrSchedule
  readonly #clock: Clock
  readonly #signal: AbortSignal

  constructor(options: {
    readonly schedule: CrSchedule
    readonly clock: Clock
    readonly signal: AbortSignal
  }) {
    this.#schedule = options.schedule
    this.#clock = options.clock
    this.#signal = options.signal
  }

  /** Resolves at the start of the slots; tells when they end. At once where they have begun. */
  async enter(slots: ConsumeOrder['computeSlots']): Promise<{ readonly endsAtMs: number }> {
    const [startsAtMs, endsAtMs] = rangeMs(this.#schedule, slots)
    await until(this.#clock, startsAtMs, this.#signal)
    return { endsAtMs }
  }

  /** Rests so long that `cpuSeconds` of work are at most `share` of work and rest together. */
  async rest(o: {
    readonly cpuSeconds: number
    readonly durationMs: number
    readonly share: number
    readonly endsAtMs: number
  }): Promise<void> {
    const wholeMs = (o.cpuSeconds * 1000) / Math.max(o.share, 1e-3)
    const pauseMs = wholeMs - o.durationMs
    if (pauseMs < PAUSE_MS_MIN) return
    const untilMs = Math.min(this.#clock.now() + pauseMs, o.endsAtMs)
    await until(this.#clock, untilMs, this.#signal)
  }
}
