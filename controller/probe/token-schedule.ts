import type { Random } from '../../runtime/seeded-random.ts'

/** A probe that somebody wants to make. */
export interface ProbeWish {
  readonly agentId: string
  /** Agents behind one uplink share a group: their probes would measure each other. */
  readonly linkGroup: string
  /** Bulk probes also keep apart from those of other groups: they share the server's own link. */
  readonly isBulk: boolean
  /** At most. */
  readonly bytes: number
  /** At most. */
  readonly durationMs: number
}

export type TokenDecision =
  | { readonly kind: 'granted'; readonly grant: number; readonly startAtMs: number }
  | { readonly kind: 'refused'; readonly reason: string; readonly retryAtMs: number }

export interface TokenScheduleOptions {
  /** Bulk probes of the whole fleet at once. */
  readonly bulkProbesMax: number
  readonly groupBytesPerDayMax: number
  readonly random: Random
}

interface Grant {
  readonly wish: ProbeWish
  readonly startAtMs: number
  readonly endAtMs: number
}

interface Spent {
  readonly atMs: number
  readonly linkGroup: string
  bytes: number
}

const DAY_MS = 86_400_000
/** Between two probes: what the first one left in queues drains. */
const GAP_MS = 300
/** A bulk probe starts up to so much later than it could: agents that were born together part. */
const JITTER_MS_MAX = 300
/**
 * Who would have to wait longer asks again, and soon: most probes end long before they must, and a
 * place that was promised for later would stay empty until then.
 */
const WAIT_MS_MAX = 2000
const RETRY_MS = { least: 500, spread: 2000, spreadPerWaiting: 500 } as const
/** Who was refused and did not ask again for so long does not wait any more. */
const WAITING_MS_MAX = 60_000
/** Grants and past probes that are kept, so that strangers with many names cost no memory. */
const GRANTS_MAX = 1024
const SPENT_MAX = 65_536

/**
 * Who may probe when: one probe at a time in a link group, a few bulk probes at a time in the fleet,
 * and no group more bytes a day than it may. Pure: times come in, on any monotonic clock.
 */
export class TokenSchedule {
  readonly #options: TokenScheduleOptions
  readonly #grants = new Map<number, Grant>()
  readonly #spent: Spent[] = []
  /** Refused for now, and when. */
  readonly #waiting = new Map<string, number>()
  #nextGrant = 0

  constructor(options: TokenScheduleOptions) {
    this.#options = options
  }

  ask(wish: ProbeWish, nowMs: number): TokenDecision {
    this.#forget(nowMs)
    // Who asks again is through with what it had, or could not use it.
    for (const [grant, { wish: other }] of this.#grants) {
      if (other.agentId === wish.agentId) this.#grants.delete(grant)
    }
    const overBudget = this.#overBudget(wish, nowMs)
    if (overBudget) return overBudget
    const jitterMs = wish.isBulk ? this.#options.random() * JITTER_MS_MAX : 0
    const startAtMs = this.#firstFree(wish, nowMs + jitterMs)
    if (startAtMs - nowMs > WAIT_MS_MAX || this.#grants.size >= GRANTS_MAX) {
      const reason = 'others of the link group or of the fleet are measuring'
      this.#waiting.set(wish.agentId, nowMs)
      return this.#refused(reason, nowMs + RETRY_MS.least)
    }
    this.#waiting.delete(wish.agentId)
    const grant = this.#nextGrant++
    this.#grants.set(grant, { wish, startAtMs, endAtMs: startAtMs + wish.durationMs })
    this.#spent.push({ atMs: nowMs, linkGroup: wish.linkGroup, bytes: wish.bytes })
    if (this.#spent.length > SPENT_MAX) this.#spent.shift()
    return { kind: 'granted', grant, startAtMs }
  }

  /** The probe is over, mostly earlier and with fewer bytes than it was allowed. */
  end(grant: number, bytes: number): void {
    const ended = this.#grants.get(grant)
    if (!ended) return
    this.#grants.delete(grant)
    const entry = this.#spent.findLast(
      ({ linkGroup, bytes: reserved }) =>
        linkGroup === ended.wish.linkGroup && reserved === ended.wish.bytes,
    )
    if (entry) entry.bytes = Math.min(bytes, entry.bytes)
  }

  #overBudget({ linkGroup, bytes }: ProbeWish, nowMs: number): TokenDecision | undefined {
    const { groupBytesPerDayMax } = this.#options
    const ofGroup = this.#spent.filter(entry => entry.linkGroup === linkGroup)
    let spent = ofGroup.reduce((sum, entry) => sum + entry.bytes, 0)
    if (spent + bytes <= groupBytesPerDayMax) return undefined
    const reason = `${spent} of ${groupBytesPerDayMax} bytes of the day are spent on probes`
    if (bytes > groupBytesPerDayMax) return this.#refused(reason, nowMs + DAY_MS)
    const frees = ofGroup.find(entry => {
      spent -= entry.bytes
      return spent + bytes <= groupBytesPerDayMax
    })
    return this.#refused(reason, (frees?.atMs ?? nowMs) + DAY_MS)
  }

  /** The first time from which nobody is in the way for as long as the probe may take. */
  #firstFree(wish: ProbeWish, fromMs: number): number {
    const rivals = [...this.#grants.values()].filter(
      ({ wish: other }) => other.linkGroup === wish.linkGroup || (wish.isBulk && other.isBulk),
    )
    const ends = rivals.map(({ endAtMs }) => endAtMs + GAP_MS).filter(endMs => endMs > fromMs)
    const starts = [fromMs, ...ends.toSorted((one, other) => one - other)]
    // After the last of them nobody is in the way.
    return starts.find(startMs => this.#isFree(wish, rivals, startMs)) ?? fromMs
  }

  #isFree(wish: ProbeWish, rivals: readonly Grant[], startMs: number): boolean {
    const endMs = startMs + wish.durationMs + GAP_MS
    const inTheWay = rivals.filter(
      ({ startAtMs, endAtMs }) => startAtMs < endMs && endAtMs + GAP_MS > startMs,
    )
    const ofGroup = inTheWay.filter(({ wish: other }) => other.linkGroup === wish.linkGroup)
    if (ofGroup.length > 0) return false
    return !wish.isBulk || inTheWay.length < this.#options.bulkProbesMax
  }

  #refused(reason: string, atMs: number): TokenDecision {
    // A large fleet that asks all the time would be a load of its own.
    const spreadMs = Math.max(RETRY_MS.spread, this.#waiting.size * RETRY_MS.spreadPerWaiting)
    return { kind: 'refused', reason, retryAtMs: atMs + this.#options.random() * spreadMs }
  }

  #forget(nowMs: number): void {
    for (const [grant, { endAtMs }] of this.#grants) {
      if (endAtMs < nowMs) this.#grants.delete(grant)
    }
    for (const [agentId, askedAtMs] of this.#waiting) {
      if (askedAtMs < nowMs - WAITING_MS_MAX) this.#waiting.delete(agentId)
    }
    while (this.#spent[0] && this.#spent[0].atMs <= nowMs - DAY_MS) this.#spent.shift()
  }
}
