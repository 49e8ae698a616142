import type { CostReport } from '../../protocol/life.ts'
import type { Spent } from '../../protocol/urp.ts'
import type { Clock } from '../../runtime/clock.ts'
import { type CpuMeter, processMeter } from './cpu-meter.ts'

/** Bytes are payload of messages, seconds are of CPU time. */
export type Expense = CostReport['sinceStart']
type DayExpense = CostReport['today']

export const NOTHING: Expense = {
  sentBytes: 0,
  receivedBytes: 0,
  cpuSeconds: 0,
  childCpuSeconds: 0,
}

/** Every byte and CPU second that measuring spends, by what spent it, since the start and by day. */
export class CostLedger {
  readonly #clock: Pick<Clock, 'now'>
  readonly #meter: CpuMeter
  readonly #parts = new Map<string, Expense & { runs: number }>()
  #total = NOTHING
  #today: DayExpense
  #yesterday: DayExpense | undefined
  #round: { crId: number; readonly before: Expense; readonly last: Expense } | undefined

  constructor({ clock, meter = processMeter }: { clock: Pick<Clock, 'now'>; meter?: CpuMeter }) {
    this.#clock = clock
    this.#meter = meter
    this.#today = { day: this.#day(), ...NOTHING }
  }

  add(part: string, expense: Partial<Expense>): void {
    this.#turnDay()
    const before = this.#parts.get(part) ?? { ...NOTHING, runs: 0 }
    this.#parts.set(part, { ...sumOf(before, expense), runs: before.runs + 1 })
    this.#total = sumOf(this.#total, expense)
    this.#today = { ...sumOf(this.#today, expense), day: this.#today.day }
  }

  /** Does the work and counts its CPU time. */
  charge<T>(part: string, work: () => T): T {
    const account = this.#meter.open()
    try {
      return work()
    } finally {
      this.add(part, { cpuSeconds: account.close() })
    }
  }

  /** For the URP of a round; asking twice for the same round changes nothing. */
  ofRound(crId: number): Spent & { readonly lastRound: Spent } {
    if (this.#round?.crId !== crId) {
      const before = this.#round?.before ?? NOTHING
      this.#round = { crId, before: this.#total, last: differenceOf(this.#total, before) }
    }
    return { ...spentOf(this.#round.before), lastRound: spentOf(this.#round.last) }
  }

  get report(): CostReport {
    this.#turnDay()
    return {
      sinceStart: rounded(this.#total),
      today: { day: this.#today.day, ...rounded(this.#today) },
      ...(this.#yesterday
        ? { yesterday: { day: this.#yesterday.day, ...rounded(this.#yesterday) } }
        : {}),
      parts: Object.fromEntries(
        [...this.#parts].map(([name, part]) => [name, { ...rounded(part), runs: part.runs }]),
      ),
    }
  }

  #day(): string {
    return new Date(this.#clock.now()).toISOString().slice(0, 10)
  }

  #turnDay(): void {
    const day = this.#day()
    if (day === this.#today.day) return
    this.#yesterday = this.#today
    this.#today = { day, ...NOTHING }
  }
}

export function sumOf(a: Expense, b: Partial<Expense>): Expense {
  return {
    sentBytes: a.sentBytes + (b.sentBytes ?? 0),
    receivedBytes: a.receivedBytes + (b.receivedBytes ?? 0),
    cpuSeconds: a.cpuSeconds + (b.cpuSeconds ?? 0),
    childCpuSeconds: a.childCpuSeconds + (b.childCpuSeconds ?? 0),
  }
}

function differenceOf(a: Expense, b: Expense): Expense {
  return {
    sentBytes: a.sentBytes - b.sentBytes,
    receivedBytes: a.receivedBytes - b.receivedBytes,
    cpuSeconds: a.cpuSeconds - b.cpuSeconds,
    childCpuSeconds: a.childCpuSeconds - b.childCpuSeconds,
  }
}

function spentOf({ sentBytes, receivedBytes, cpuSeconds, childCpuSeconds }: Expense): Spent {
  return {
    bytesSpent: sentBytes + receivedBytes,
    cpuSecondsSpent: toMilliseconds(cpuSeconds + childCpuSeconds),
  }
}

function rounded({ sentBytes, receivedBytes, cpuSeconds, childCpuSeconds }: Expense): Expense {
  return {
    sentBytes,
    receivedBytes,
    cpuSeconds: toMilliseconds(cpuSeconds),
    childCpuSeconds: toMilliseconds(childCpuSeconds),
  }
}

/** More digits than anybody reads would make a third of the message. */
function toMilliseconds(seconds: number): number {
  return Math.max(0, Math.round(seconds * 1000) / 1000)
}
