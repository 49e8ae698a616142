import { setPriority } from 'node:os'
import { GainnetError, messageOf } from '../runtime/errors.ts'
import { Evaluator } from './evaluator.ts'
import { measureKernelRate } from './kernel-rate.ts'
import { loadOrt, type Ort } from './ort-session.ts'
import type {
  TrainerReply,
  TrainerRequest,
  TrainerRequestKind,
  TrainerRequests,
} from './trainer-messages.ts'
import { TrainingRun } from './training-run.ts'

/** The work of a trainer process; requests come one after the other. */
class Trainer {
  readonly #ort: Ort
  readonly #evaluator: Evaluator
  #training: TrainingRun | undefined

  constructor(ort: Ort) {
    this.#ort = ort
    this.#evaluator = new Evaluator(ort)
  }

  readonly handlers: {
    readonly [Kind in TrainerRequestKind]: (
      ask: TrainerRequests[Kind]['ask'],
    ) => Promise<TrainerRequests[Kind]['reply']>
  } = {
    load: async job => {
      await this.#unload()
      this.#training = await TrainingRun.open(this.#ort, job)
      return { stepsPerEpoch: this.#training.schedule.stepsPerEpoch }
    },
    step: async ask => {
      const training = this.#loaded()
      const [startedAt, cpuBefore] = [performance.now(), process.cpuUsage()]
      const losses = await training.step(ask)
      const { user, system } = process.cpuUsage(cpuBefore)
      const durationMs = performance.now() - startedAt
      return { losses, cpuSeconds: (user + system) / 1e6, durationMs }
    },
    parameters: async () => this.#loaded().parameters(),
    averages: async () => this.#loaded().averages(),
    evaluate: ask => this.#evaluator.evaluate(ask),
    generate: ask => this.#evaluator.generate(ask),
    kernelRate: ask => measureKernelRate(this.#ort, ask),
    unload: async () => {
      await this.#unload()
      await this.#evaluator.release()
      return null
    },
  }

  #loaded(): TrainingRun {
    if (this.#training) return this.#training
    throw new GainnetError('TRAINING_FAILED', 'no model is loaded')
  }

  async #unload(): Promise<void> {
    const training = this.#training
    this.#training = undefined
    await training?.release()
  }
}

async function handle(trainer: Trainer, { id, kind, ask }: TrainerRequest): Promise<TrainerReply> {
  try {
    // The table pairs each kind with its ask; the parent's request() does, too.
    const work = trainer.handlers[kind] as (ask: unknown) => Promise<unknown>
    return { kind: 'done', id, reply: await work(ask) }
  } catch (error) {
    const { code, details } =
      error instanceof GainnetError ? error : { code: 'TRAINING_FAILED', details: {} }
    return { kind: 'failed', id, code, message: messageOf(error), details }
  }
}

async function runChild(niceness: number): Promise<void> {
  // The parent's death closes the channel: without it there is nobody to train for.
  process.on('disconnect', () => process.exit(0))
  // Ctrl-C reaches the whole group; the parent decides when its child ends.
  process.on('SIGINT', () => {})
  if (niceness !== 0) setPriority(niceness)
  const trainer = new Trainer(await loadOrt())
  const send = (reply: TrainerReply): void => {
    if (process.connected) process.send?.(reply)
  }
  let last = Promise.resolve()
  process.on('message', message => {
    // Only trainer-process.ts writes to this channel.
    const request = message as TrainerRequest
    last = last.then(async () => send(await handle(trainer, request)))
  })
  send({ kind: 'ready' })
}

await runChild(Number(process.argv[2] ?? 0))
