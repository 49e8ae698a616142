import type { Judgement } from '../../protocol/model-manifest.ts'
import { rowElements } from '../../protocol/row-form.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'
import { cutWindows } from '../../training/samples/row-windows.ts'
import { TrainerProcess } from '../../training/trainer/trainer-process.ts'
import type { Model } from './model-library.ts'

/** Numbers that are judged at most: 64 MiB go to the process each time. */
const INPUTS_MAX = 2 ** 24

interface Waiting {
  readonly model: Model
  readonly parameters: Float32Array
  readonly settle: (judgement: Judgement | null) => void
}

/**
 * Judges model versions on held-back data in a child process of low priority, one after the other,
 * so that neither the CR clock nor training on the same machine waits for it. Where judging takes
 * longer than rounds do, only the newest version of each model waits.
 */
export class Evaluator implements Stoppable {
  readonly #niceness: number
  readonly #log: Logger
  #process: TrainerProcess | null = null
  /** By model, in the order in which they came. */
  readonly #waiting = new Map<string, Waiting>()
  #working: Promise<void> | null = null
  #isStopped = false

  constructor(options: { readonly niceness: number; readonly log: Logger }) {
    this.#niceness = options.niceness
    this.#log = options.log
  }

  /**
   * How the parameters do on the model's held-back data; null where it cannot be told, or
   * where a newer version of the model came before this one's turn.
   */
  judge(model: Model, parameters: Float32Array): Promise<Judgement | null> {
    return new Promise(resolve => {
      this.#passOver(model.modelId)
      this.#waiting.set(model.modelId, { model, parameters, settle: resolve })
      this.#working ??= this.#work()
    })
  }

  #passOver(modelId: string): void {
    const older = this.#waiting.get(modelId)
    if (!older) return
    const { versionNumber } = older.model.current
    this.#log.info({ modelId, versionNumber }, 'version not judged: a newer one came before')
    older.settle(null)
  }

  async #work(): Promise<void> {
    for (const [modelId, { model, parameters, settle }] of this.#waiting) {
      this.#waiting.delete(modelId)
      settle(await this.#evaluate(model, parameters))
    }
    this.#working = null
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    const process = this.#process
    process?.kill()
    // What is under way ends at once by that, or stops what it has just started.
    await this.#working
    await process?.exited
    this.#process = null
  }

  /** Null where the evaluator was stopped while the process started. */
  async #start(): Promise<TrainerProcess | null> {
    const process = await TrainerProcess.start({ niceness: this.#niceness })
    if (!this.#isStopped) return process
    await process.stop()
    return null
  }

  async #evaluate(model: Model, parameters: Float32Array): Promise<Judgement | null> {
    if (this.#isStopped) return null
    try {
      this.#process ??= await this.#start()
      if (!this.#process) return null
      const { takes, forward, loss, prediction } = model
      const width = takes.inputRows * rowElements(takes.form)
      const samplesMax = Math.ceil(INPUTS_MAX / width)
      const { inputs, inputWidth, labels } = cutWindows([model.heldBack], takes, samplesMax)
      const { lossMean, accuracy } = await this.#process.evaluate({
        ...{ model: forward, parameters, loss, inputs, inputWidth },
        ...(prediction === undefined ? {} : { prediction }),
        ...(labels ? { labels } : {}),
      })
      return { lossMean, ...(accuracy === undefined ? {} : { accuracy }) }
    } catch (error) {
      if (!this.#isStopped) {
        this.#log.warn({ modelId: model.modelId, reason: messageOf(error) }, 'evaluation failed')
      }
      this.#process?.kill()
      this.#process = null
      return null
    }
  }
}
