/** Halves of this are kept: late enough for the shortest way to show, early enough to follow a drift. */
const WINDOW_MS = 30_000

/**
 * When a sample of a stream was taken, on our clock. Bytes come late, and by how much nobody tells; they
 * never come early, so that the least lateness of the last half minute stands for none.
 */
export class StreamTime {
  #startMs = Number.POSITIVE_INFINITY
  #before = Number.POSITIVE_INFINITY
  #sinceMs = Number.NEGATIVE_INFINITY

  /** So much of the stream, counted in its own time, has come by now. */
  note(streamMs: number, nowMs: number): void {
    if (nowMs - this.#sinceMs > WINDOW_MS) {
      this.#before = this.#startMs
      this.#startMs = Number.POSITIVE_INFINITY
      this.#sinceMs = nowMs
    }
    this.#startMs = Math.min(this.#startMs, nowMs - streamMs)
  }

  at(streamMs: number): number {
    return Math.min(this.#startMs, this.#before) + streamMs
  }
}
