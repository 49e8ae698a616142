/** Offset and delay of one exchange, in ms. */
export interface ClockExchange {
  readonly rttMs: number
  /** Controller's clock minus this agent's clock. */
  readonly offsetMs: number
}

/** An exchange with one life of the controller. */
export interface SessionExchange extends ClockExchange {
  readonly session: number
}

/**
 * Offset and delay of a four-time-stamp exchange (RFC 5905, 8): the agent sends at t1 and hears at
 * t4 by its own clock, the controller hears at t2 and answers at t3 by its. However the delay was
 * split between the two ways, the true offset is within half of it.
 */
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
