import type { Clock, Timer } from '../../runtime/clock.ts'

interface Waiting {
  readonly timeMs: number
  readonly callback: () => void
}

/** Turns of the event loop in which promises that need no disk come to their end. */
const TURNS = 8

/** Time that only a test moves: timers fire in the order of their times, each at its own. */
export class VirtualClock implements Clock {
  readonly #waiting = new Set<Waiting>()
  #nowMs: number

  constructor(nowMs = Date.parse('2026-01-01T00:00:00.000Z')) {
    this.#nowMs = nowMs
  }

  now(): number {
    return this.#nowMs
  }

  at(timeMs: number, callback: () => void): Timer {
    const waiting = { timeMs, callback }
    this.#waiting.add(waiting)
    return { cancel: () => this.#waiting.delete(waiting) }
  }

  get timerCount(): number {
    return this.#waiting.size
  }

  /** Jumps over what lies between, as a board that slept: timers fire late, at the next advance. */
  jump(ms: number): void {
    this.#nowMs += ms
  }

  /** Fires whatever falls due until then, and lets follow what follows from it without a disk. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    for (;;) {
      await turns(TURNS)
      const next = this.#next()
      if (!next || next.timeMs > untilMs) break
      this.#fire(next)
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  /** Moves on from timer to timer until the work is done; real work in between takes no time. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isDone = false
    const end = (): void => {
      isDone = true
    }
    work.then(end, end)
    for (;;) {
      await turns(TURNS)
      if (isDone) return work
      const next = this.#next()
      if (next) this.#fire(next)
    }
  }

  #next(): Waiting | undefined {
    return [...this.#waiting].sort((a, b) => a.timeMs - b.timeMs)[0]
  }

  #fire(waiting: Waiting): void {
    this.#waiting.delete(waiting)
    this.#nowMs = Math.max(this.#nowMs, waiting.timeMs)
    waiting.callback()
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise(resolve => setImmediate(resolve))
  }
}
