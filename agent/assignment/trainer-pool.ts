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
  #trainer: TrainerProcess | null = null
  #loads = 0
  #idleTimer: NodeJS.Timeout | undefined

  constructor(options: { readonly niceness: number; readonly idleMsMax: number }) {
    this.#niceness = options.niceness
    this.#idleMsMax = options.idleMsMax
  }

  /** A trainer that is ready to load. Give it back by release or, after a failure, by discard. */
  async acquire(): Promise<TrainerProcess> {
    clearTimeout(this.#idleTimer)
    if (this.#trainer && this.#loads >= LOADS_MAX) await this.discard()
    if (!this.#trainer) {
      this.#loads = 0
      const trainer = await TrainerProcess.start({ niceness: this.#niceness })
      this.#trainer = trainer
      void trainer.exited.then(() => {
        if (this.#trainer === trainer) this.#trainer = null
      })
    }
    this.#loads += 1
    return this.#trainer
  }

  release(): void {
    clearTimeout(this.#idleTimer)
    this.#idleTimer = setTimeout(() => void this.stop(), this.#idleMsMax)
    this.#idleTimer.unref()
  }

  async discard(): Promise<void> {
    const trainer = this.#trainer
    this.#trainer = null
    trainer?.kill()
    await trainer?.exited
  }

  async stop(): Promise<void> {
    clearTimeout(this.#idleTimer)
    const trainer = this.#trainer
    this.#trainer = null
    await trainer?.stop()
  }
}
