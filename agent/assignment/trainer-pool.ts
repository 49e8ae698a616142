import type { Stoppable } from '../../runtime/shutdown.ts'
import { TrainerProcess } from '../../training/trainer-process.ts'

/**
 * Loads after which a trainer process is replaced: its memory only returns to the system when it
 * ends (ONNX Runtime issue 25325).
 */
const LOADS_MAX = 50

/**
 * Keeps one trainer process warm between assignments, because starting one costs half a second of a
 * core, and ends it when it was idle for long, because it holds 100 MB.
 */
export class TrainerPool implements Stoppable {
  readonly #niceness: number
  readonly #idleMsMax: number
  /** Running or starting; null while there is none. */
  #trainer: Promise<TrainerProcess> | null = null
  #loads = 0
  #idleTimer: NodeJS.Timeout | undefined

  constructor(options: { readonly niceness: number; readonly idleMsMax: number }) {
    this.#niceness = options.niceness
    this.#idleMsMax = options.idleMsMax
  }

  /** A trainer that is ready to load. Give it back by release or, after a failure, by discard. */
  async acquire(): Promise<TrainerProcess> {
    clearTimeout(this.#idleTimer)
    if (this.#loads >= LOADS_MAX) await this.discard()
    this.#trainer ??= this.#start()
    this.#loads += 1
    return this.#trainer
  }

  release(): void {
    clearTimeout(this.#idleTimer)
    this.#idleTimer = setTimeout(() => void this.stop(), this.#idleMsMax)
    this.#idleTimer.unref()
  }

  async discard(): Promise<void> {
    const trainer = await this.#takeAway()
    trainer?.kill()
    await trainer?.exited
  }

  async stop(): Promise<void> {
    clearTimeout(this.#idleTimer)
    const trainer = await this.#takeAway()
    await trainer?.stop()
  }

  #start(): Promise<TrainerProcess> {
    this.#loads = 0
    const trainer = TrainerProcess.start({ niceness: this.#niceness })
    const forget = (): void => {
      if (this.#trainer === trainer) this.#trainer = null
    }
    trainer.then(({ exited }) => exited.then(forget)).catch(forget)
    return trainer
  }

  /** The trainer, when it has started if it is just starting; the next one is another. */
  async #takeAway(): Promise<TrainerProcess | undefined> {
    const trainer = this.#trainer
    this.#trainer = null
    return trainer?.catch(() => undefined)
  }
}
