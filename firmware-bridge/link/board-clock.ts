import { linearRegression } from 'simple-statistics'

/** One exchange of four time stamps (RFC 5905, 8), in microseconds: t1, t4 of the host. */
export interface BoardExchange {
  readonly t1: number
  readonly t2: number
  readonly t3: number
  readonly t4: number
}

export interface BoardClockFigures {
  /** Clock of the board minus clock of the host. */
  readonly offsetMicros: number
  /** Half of the shortest round trip: how far the offset may be off. */
  readonly errorMicros: number
  /** How much faster the board's clock runs, in parts of a million; absent while little is known. */
  readonly driftPpm?: number
}

const EXCHANGES_MAX = 32
/** Below this the drift of any crystal drowns in the round trips. */
const DRIFT_SPAN_MICROS = 20e6

interface Sample {
  readonly atMicros: number
  readonly offsetMicros: number
  readonly delayMicros: number
}

/** Offset and drift of a board's clock from the exchanges with the shortest round trips. */
export class BoardClock {
  #samples: Sample[] = []

  add({ t1, t2, t3, t4 }: BoardExchange): void {
    const sample = {
      atMicros: t4,
      offsetMicros: (t2 - t1 + (t3 - t4)) / 2,
      delayMicros: t4 - t1 - (t3 - t2),
    }
    // A board that was reset counts from 0 again: what was known is of another clock.
    const last = this.#samples.at(-1)
    if (last && Math.abs(sample.offsetMicros - last.offsetMicros) > 1e6) this.#samples = []
    this.#samples.push(sample)
    if (this.#samples.length > EXCHANGES_MAX) this.#samples.shift()
  }

  figures(): BoardClockFigures | null {
    const best = this.#samples.reduce<Sample | null>(
      (least, one) => (least === null || one.delayMicros < least.delayMicros ? one : least),
      null,
    )
    if (best === null) return null
    const driftPpm = this.#driftPpm()
    return {
      offsetMicros: best.offsetMicros,
      errorMicros: best.delayMicros / 2,
      ...(driftPpm === undefined ? {} : { driftPpm }),
    }
  }

  /** The host's time of a moment on the board's clock, or null before the first exchange. */
  hostMicros(boardMicros: number): number | null {
    const figures = this.figures()
    return figures && boardMicros - figures.offsetMicros
  }

  boardMicros(hostMicros: number): number | null {
    const figures = this.figures()
    return figures && hostMicros + figures.offsetMicros
  }

  /** The line through the quicker half: a slow answer says little of the clock. */
  #driftPpm(): number | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)]
    if (!first || !last || last.atMicros - first.atMicros < DRIFT_SPAN_MICROS) return undefined
    const quick = [...this.#samples].sort((a, b) => a.delayMicros - b.delayMicros)
    const points = quick
      .slice(0, Math.ceil(quick.length / 2))
      .map(({ atMicros, offsetMicros }) => [atMicros - first.atMicros, offsetMicros])
    return points.length < 4 ? undefined : linearRegression(points).m * 1e6
  }
}
