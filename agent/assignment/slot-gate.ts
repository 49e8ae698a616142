import type { SlotRange } from '../../protocol/assignment.ts'
import { type Clock, until } from '../../runtime/clock.ts'
import { type CrSchedule, rangeMs } from '../cr-schedule.ts'

/** Slots on the agent's clock. */
export interface SlotTime {
  readonly startsAtMs: number
  readonly endsAtMs: number
}

/** Lets work run only in the slots that were allocated; how much of it, its budget or pace decides. */
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

  get slotMs(): number {
    return this.#schedule.slotMs
  }

  /** When the slots are; they may be empty. */
  timeOf(slots: SlotRange): SlotTime {
    const [startsAtMs, endsAtMs] = rangeMs(this.#schedule, slots)
    return { startsAtMs, endsAtMs }
  }

  /** Resolves at the start of the slots; tells when they are. At once where they have begun. */
  async enter(slots: SlotRange): Promise<SlotTime> {
    const time = this.timeOf(slots)
    await until(this.#clock, time.startsAtMs, this.#signal)
    return time
  }
}
