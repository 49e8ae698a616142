import { setPriority } from 'node:os'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { writeCheckpoint } from '../checkpoint/checkpoint.ts'
import { Evaluator } from './evaluator.ts'
import { KernelBench } from './kernels/kernel-bench.ts'
import { loadOrtRuntime, ORT_VARIABLE } from './ort-runtime.ts'
import type { Ort } from './ort-session.ts'
import type {
  TrainerCancel,
  TrainerReply,
  TrainerRequest,
  TrainerRequestKind,
  TrainerRequests,
} from './trainer-messages.ts'
import { type StepControl, TrainingRun } from './training-run.ts'

/** The work of a trainer process; requests come one after the other. */
class Trainer {
  readonly #ort: Ort
  readonly #evaluator: Evaluator
  readonly #kernels: KernelBench
  #training: TrainingRun | undefined

  constructor(ort: Ort) {
    this.#ort = ort
    this.#evaluator = new Evaluator(ort)
    this.#kernels = new KernelBench(ort)
  }

  readonly handlers: {
    readonly [Kind in TrainerRequestKind]: (
      ask: TrainerRequests[Kind]['ask'],
      control: StepControl,
    ) => Promise<TrainerRequests[Kind]['reply']>
  } = {
    load: async job => {
      const cpuBefore = process.cpuUsage()
      await this.#unload()
      this.#training = await TrainingRun.open(this.#ort, job)
      const { stepsPerEpoch, stepCount } = this.#training
      return { stepsPerEpoch, stepCount, cpuSeconds: secondsOf(process.cpuUsage(cpuBefore)) }
    },
    step: async ({ reportsProgress, ...ask }, { isCancelled, onRun }) => {
      const training = this.#loaded()
      const [startedAt, cpuBefore] = [performance.now(), process.cpuUsage()]
      const losses = await training.step(ask, {
        ...(isCancelled ? { isCancelled } : {}),
        ...(reportsProgress && onRun ? { onRun } : {}),
      })
      const cpuSecondsSoFar = secondsOf(process.cpuUsage())
      const cpuSeconds = cpuSecondsSoFar - secondsOf(cpuBefore)
      const durationMs = performance.now() - startedAt
      const { stepCount } = training
      return { losses, stepCount, cpuSeconds, cpuSecondsSoFar, durationMs }
    },
    checkpoint: async ({ path }) => {
      const training = this.#loaded()
      const checkpoint = training.checkpoint()
      const { bytes } = await writeCheckpoint(path, checkpoint, training.metadata)
      return { stepCount: checkpoint.stepCount, bytes }
    },
    parameters: async () => this.#loaded().parameters(),
    averages: async () => this.#loaded().averages(),
    evaluate: ask => this.#evaluator.evaluate(ask),
    generate: ask => this.#evaluator.generate(ask),
    openKernel: async ask => {
      await this.#kernels.open(ask)
      return null
    },
    runKernel: ask => this.#kernels.run(ask),
    cpuTime: async () => {
      const { user, system } = process.cpuUsage()
      return { cpuSeconds: (user + system) / 1e6 }
    },
    unload: async () => {
      await this.#unload()
      await this.#evaluator.release()
      await this.#kernels.release()
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

function secondsOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1e6
}

/** Cancelled requests that have not ended; what is cancelled too late is no longer waited for. */
class Cancellations {
  readonly #cancelled = new Set<number>()
  #endedId = 0

  cancel(id: number): void {
    if (id > this.#endedId) this.#cancelled.add(id)
  }

  has(id: number): boolean {
    return this.#cancelled.has(id)
  }

  end(id: number): void {
    this.#endedId = id
    this.#cancelled.delete(id)
  }
}

async function handle(
  trainer: Trainer,
  { id, kind, ask }: TrainerRequest,
  control: StepControl,
): Promise<TrainerReply> {
  try {
    // The table pairs each kind with its ask; the parent's request() does, too.
    const work = trainer.handlers[kind] as (ask: unknown, control: StepControl) => Promise<unknown>
    return { kind: 'done', id, reply: await work(ask, control) }
  } catch (error) {
    return failure(id, error)
  }
}

function failure(id: number, error: unknown): TrainerReply {
  const { code, details } =
    error instanceof GainnetError ? error : { code: 'TRAINING_FAILED', details: {} }
  return { kind: 'failed', id, code, message: messageOf(error), details }
}

async function runChild(niceness: number): Promise<void> {
  // The parent's death closes the channel: without it there is nobody to train for.
  process.on('disconnect', () => process.exit(0))
  // Ctrl-C reaches the whole group; the parent decides when its child ends.
  process.on('SIGINT', () => {})
  if (niceness !== 0) setPriority(niceness)
  const send = (reply: TrainerReply): void => {
    if (process.connected) process.send?.(reply)
  }
  const { ort, ...loaded } = await loadOrtRuntime(process.env[ORT_VARIABLE]).catch(error => {
    send(failure(0, error))
    throw error
  })
  const trainer = new Trainer(ort)
  const cancellations = new Cancellations()
  const work = async (request: TrainerRequest): Promise<void> => {
    const { id } = request
    const reply = await handle(trainer, request, {
      isCancelled: () => cancellations.has(id),
      onRun: losses => send({ kind: 'progress', id, losses }),
    })
    cancellations.end(id)
    send(reply)
  }
  let last = Promise.resolve()
  process.on('message', message => {
    // Only trainer-process.ts writes to this channel.
    const request = message as TrainerRequest | TrainerCancel
    if (request.kind === 'cancel') cancellations.cancel(request.id)
    else last = last.then(() => work(request))
  })
  send({ kind: 'ready', ...loaded })
}

await runChild(Number(process.argv[2] ?? 0))
