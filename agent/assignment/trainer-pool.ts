import { GainnetError } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'
import { TrainerProcess } from '../../training/trainer/trainer-process.ts'
import type { TrainerLimits } from '../limits/trainer-limits.ts'

/**
 * Loads after which a trainer process is replaced: its memory only returns to the system when it
 * ends (ONNX Runtime issue 25325).
 */
const LOADS_MAX = 50

/** A trainer for one borrower. What is done to a loan that has passed to another does nothing. */
export interface TrainerLoan {
  /** Ready to load. */
  readonly trainer: Promise<TrainerProcess>
  readonly limits: TrainerLimits
  /** Gives it back as it is. */
  release(): void
  /** Gives it back after a failure: nobody gets this process again. */
  discard(): Promise<void>
}

/**
 * Keeps one trainer process warm between assignments, because starting one costs half a second of a
 * core, and ends it when it was idle for long, because it holds 100 MB.
 */
export class TrainerPool implements Stoppable {
  readonly #niceness: number
  readonly #limits: TrainerLimits
  readonly #idleMsMax: number
  readonly #log: Logger
  /** Running or starting; null while there is none. */
  #trainer: Promise<TrainerProcess> | null = null
  #isStarting = false
  #loan: TrainerLoan | null = null
  #loads = 0
  #idleTimer: NodeJS.Timeout | undefined

  constructor(options: {
    readonly niceness: number
    readonly limits: TrainerLimits
    readonly idleMsMax: number
    readonly log: Logger
  }) {
    this.#niceness = options.niceness
    this.#limits = options.limits
    this.#idleMsMax = options.idleMsMax
    this.#log = options.log
  }

  /**
   * Takes the trainer from whom it is lent to: that one's round is over, and after a long stall (the
   * board slept, the clock jumped) it may still be at work. One that is only starting passes on as it
   * is: on a busy board a round may be shorter than a start, and no round would ever have a trainer.
   */
  lend(): TrainerLoan {
    clearTimeout(this.#idleTimer)
    const isFree = this.#loan === null || this.#isStarting
    const isWarm = this.#trainer !== null && isFree && this.#loads < LOADS_MAX
    const trainer = isWarm && this.#trainer ? this.#trainer : this.#start(this.#takeAway())
    this.#loads += 1
    const loan: TrainerLoan = {
      trainer: trainer.then(ready => {
        if (this.#loan === loan) return ready
        throw new GainnetError('TRAINING_FAILED', 'its round was over before its trainer started')
      }),
      limits: this.#limits,
      release: () => this.#onGivenBack(loan, () => this.#waitForNext()),
      discard: async () => this.#onGivenBack(loan, () => killed(this.#takeAway())),
    }
    this.#loan = loan
    this.#watch(loan)
    return loan
  }

  async stop(): Promise<void> {
    clearTimeout(this.#idleTimer)
    const trainer = await this.#takeAway()
    await trainer?.stop()
  }

  #onGivenBack<T>(loan: TrainerLoan, then: () => T): T | undefined {
    if (this.#loan !== loan) return
    this.#loan = null
    this.#limits.end()
    return then()
  }

  /** From when it is there until it is given back. */
  #watch(loan: TrainerLoan): void {
    loan.trainer
      .then(trainer => {
        if (this.#loan === loan) this.#limits.begin(() => trainer.kill())
      })
      // Whoever lends it is told.
      .catch(() => undefined)
  }

  #waitForNext(): void {
    this.#idleTimer = setTimeout(() => void this.stop(), this.#idleMsMax)
    this.#idleTimer.unref()
  }

  #start(previous: Promise<TrainerProcess | undefined>): Promise<TrainerProcess> {
    this.#loads = 0
    // One after the other: the memory of a board may hold one.
    const limits = this.#limits
    const trainer = killed(previous).then(() =>
      TrainerProcess.start({
        niceness: this.#niceness,
        heapMegabytesMax: limits.heapMegabytesMax,
        onForked: pid => limits.add(pid),
        explainEnd: () => limits.explainEnd(),
      }),
    )
    const forget = (): void => {
      if (this.#trainer === trainer) this.#trainer = null
    }
    trainer
      .then(({ exited, runtime, runtimeReason }) => {
        if (runtimeReason !== undefined) {
          this.#log.warn({ runtime, reason: runtimeReason }, 'native ONNX Runtime cannot be used')
        }
        return exited.then(forget)
      })
      .catch(forget)
    this.#trainer = trainer
    this.#isStarting = true
    const isThere = (): void => {
      if (this.#trainer === trainer) this.#isStarting = false
    }
    trainer.then(isThere, isThere)
    return trainer
  }

  /** The trainer, when it has started if it is just starting; the next one is another. */
  async #takeAway(): Promise<TrainerProcess | undefined> {
    const trainer = this.#trainer
    this.#trainer = null
    this.#isStarting = false
    return trainer?.catch(() => undefined)
  }
}

async function killed(starting: Promise<TrainerProcess | undefined>): Promise<void> {
  const trainer = await starting
  trainer?.kill()
  await trainer?.exited
}
