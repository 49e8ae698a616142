import type { Stoppable } from '../../runtime/shutdown.ts'

/**
 * NTP slews the wall clock by 0.5 ms a second at most (kernel, adjtimex); a busy event loop reads
 * the two clocks some ms apart. More than this is a step.
 */
const JUMP_MS_MIN = 100
const CHECK_MS = 2000

export interface JumpWatchOptions {
  /** The clock of the system's date: Date.now(). */
  readonly wallMs: () => number
  /** The clock that only ever counts on. */
  readonly monotonicMs: () => number
  /** By how much the wall clock moved against the other. */
  readonly onJump: (byMs: number) => void
}

/**
 * Notes when the date was set (NTP after a start in 1970, a person) or when the machine slept: the
 * monotonic clock of Linux stands still meanwhile, so that everything planned on it is late by as
 * much. From here the two look alike; whoever is told measures anew.
 */
export class JumpWatch implements Stoppable {
  readonly #options: JumpWatchOptions
  #apartMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(options: JumpWatchOptions) {
    this.#options = options
    this.#apartMs = this.#apart()
  }

  start(): void {
    this.#timer ??= setInterval(() => this.check(), CHECK_MS)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  check(): void {
    const apart = this.#apart()
    const byMs = apart - this.#apartMs
    // Small steps are taken up: a slewed clock moves away little by little and never jumps.
    this.#apartMs = apart
    if (Math.abs(byMs) >= JUMP_MS_MIN) this.#options.onJump(byMs)
  }

  #apart(): number {
    const { wallMs, monotonicMs } = this.#options
    return wallMs() - monotonicMs()
  }
}
