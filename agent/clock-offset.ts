/** How many exchanges are kept: the quickest of them is the one least disturbed by queues. */
const EXCHANGES_MAX = 8

export interface ClockExchange {
  readonly rttMs: number
  /** Controller's clock minus this agent's clock. */
  readonly offsetMs: number
}

/** Offset and round trip of one four-time-stamp exchange (RFC 5905, 8). */
export function exchangeOf(t: {
  readonly t1: number
  readonly t2: number
  readonly t3: number
  readonly t4: number
}): ClockExchange {
  return {
    rttMs: Math.max(0, t.t4 - t.t1 - (t.t3 - t.t2)),
    offsetMs: (t.t2 - t.t1 + (t.t3 - t.t4)) / 2,
  }
}

/** An exchange with one life of the controller. */
export interface SessionExchange extends ClockExchange {
  readonly session: number
}

/** The controller's clock as this agent knows it: the minimum filter of NTP (RFC 5905, 10). */
export class ClockOffset {
  #exchanges: SessionExchange[] = []

  /** Each life of the controller takes its clock from the system anew. */
  add(exchange: SessionExchange): void {
    const ofThisLife = this.#exchanges.filter(({ session }) => session === exchange.session)
    this.#exchanges = [...ofThisLife, exchange].slice(-EXCHANGES_MAX)
  }

  /** Controller minus agent in ms; 0 until the first exchange. */
  get ms(): number {
    const best = this.#exchanges.reduce<ClockExchange | null>(
      (least, exchange) => (least === null || exchange.rttMs < least.rttMs ? exchange : least),
      null,
    )
    return best?.offsetMs ?? 0
  }

  get isKnown(): boolean {
    return this.#exchanges.length > 0
  }
}
