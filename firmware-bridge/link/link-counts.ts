import type { FrameCounts } from '../frame-parser.ts'

export interface LinkStatistics extends FrameCounts {
  readonly bytesReceived: number
  readonly framesSent: number
  readonly requests: number
  /** Attempts without an answer in time. */
  readonly late: number
  /** Frames of a type that nobody waits for. */
  readonly unexpected: number
  /** By the gaps in their sequence. */
  readonly eventsLost: number
  readonly losses: number
}

const NO_FRAMES: FrameCounts = { frames: 0, checksum: 0, stuffing: 0, truncated: 0, overrun: 0 }

/** What a link has counted over all its connections. */
export class LinkCounts {
  bytesReceived = 0
  framesSent = 0
  requests = 0
  late = 0
  unexpected = 0
  losses = 0
  #eventsLost = 0
  #lastEvent: number | null = null
  /** Of the connections before this one. */
  #earlier = NO_FRAMES

  /** Sequence of an event: the next one is one greater, modulo 256. */
  event(sequence: number): void {
    if (this.#lastEvent !== null) this.#eventsLost += (sequence - this.#lastEvent - 1) & 0xff
    this.#lastEvent = sequence
  }

  /** A connection has ended with these counts. */
  take(counts: FrameCounts): void {
    this.#earlier = sumOf(this.#earlier, counts)
    this.#lastEvent = null
  }

  statistics(current: FrameCounts): LinkStatistics {
    const { bytesReceived, framesSent, requests, late, unexpected, losses } = this
    return {
      ...sumOf(this.#earlier, current),
      ...{ bytesReceived, framesSent, requests, late, unexpected, losses },
      eventsLost: this.#eventsLost,
    }
  }
}

function sumOf(a: FrameCounts, b: FrameCounts): FrameCounts {
  return {
    frames: a.frames + b.frames,
    checksum: a.checksum + b.checksum,
    stuffing: a.stuffing + b.stuffing,
    truncated: a.truncated + b.truncated,
    overrun: a.overrun + b.overrun,
  }
}
