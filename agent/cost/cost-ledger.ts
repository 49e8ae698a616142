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

type Part = Expense & { readonly runs: number }
const NO_PART: Part = { ...NOTHING, runs: 0 }
/** Of the CPU time of all measuring. */
const TOLD_SHARE_MIN = 0.05

/** Every byte and CPU second that measuring spends, by what spent it, since the start and by day. */
export class CostLedger {
  readonly #clock: Pick<Clock, 'now'>
  readonly #meter: CpuMeter
  readonly #parts = new Map<string, Part>()
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
        this.#told().map(([name, part]) => [name, { ...rounded(part), runs: part.runs }]),
      ),
    }
  }

  /** Parts that spent something worth a line in every health message, and the others together. */
  #told(): [string, Part][] {
    const { cpuSeconds, childCpuSeconds } = this.#total
    const isTold = ([, part]: [string, Part]): boolean =>
      part.sentBytes + part.receivedBytes > 0 ||
      part.cpuSeconds + part.childCpuSeconds >= TOLD_SHARE_MIN * (cpuSeconds + childCpuSeconds)
    const parts = [...this.#parts]
    const others = parts
      .filter(part => !isTold(part))
      .reduce((sum, [, part]) => ({ ...sumOf(sum, part), runs: sum.runs + part.runs }), NO_PART)
    return [...parts.filter(isTold), ...(others.runs > 0 ? [['others', others] as const] : [])].map(
      ([name, part]) => [name, part],
    )
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
