import { mean } from 'simple-statistics'
import type { ConsumeOrder } from '../../protocol/assignment.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { StepResult } from '../../training/trainer/trainer-messages.ts'
import type { TrainerProcess } from '../../training/trainer/trainer-process.ts'
import type { ComputeBudget } from '../limits/compute-budget.ts'

/** One run of the trainer: short enough that slots end on time, long enough to be worth a call. */
const CHUNK_MS = 50
/** Steps of the first chunk, before anything is known of how long a step takes. */
const FIRST_STEPS = 4
/** Steps at each end of a run whose mean loss is called its loss before and after. */
const LOSS_STEPS = 8

export interface TrainingResult {
  readonly steps: number
  readonly sampleCount: number
  readonly lossBefore: number
  readonly lossAfter: number
  readonly cpuSeconds: number
}

export interface TrainingRunOptions {
  readonly trainer: TrainerProcess
  readonly order: Pick<ConsumeOrder, 'localEpochs' | 'learningRate'>
  readonly sampleCount: number
  /** Of the training graph: its batch, times the batches that it gathers for a step. */
  readonly samplesPerStep: number
  /** The share of the compute slots that training may take. */
  readonly budget: ComputeBudget
  readonly clock: Clock
  /** End of the compute slots, on the agent's clock. */
  readonly endsAtMs: number
  /** Nobody wants the result any more: rejects with its reason when the chunk has ended. */
  readonly signal: AbortSignal
}

/**
 * Runs local steps in the compute slots of an order until its samples are used up or its slots or its
 * share of them end, whichever is first; says how many samples were really trained on.
 */
export async function runTraining(o: TrainingRunOptions): Promise<TrainingResult> {
  const { sampleCount, samplesPerStep, budget, signal } = o
  const stepsWanted = Math.ceil(sampleCount / samplesPerStep) * o.order.localEpochs
  const losses: number[] = []
  const pace = new StepPace(o)
  for (;;) {
    const steps = pace.nextSteps(stepsWanted - losses.length)
    if (steps === 0) break
    const chunk = await runChunk(o, steps)
    losses.push(...chunk.losses)
    await budget.rest(pace.note(chunk), signal)
  }
  return {
    steps: losses.length,
    // Of one epoch: a sample that is seen again brings nothing new to the average's weight.
    sampleCount: Math.min(sampleCount, losses.length * samplesPerStep),
    lossBefore: losses.length > 0 ? mean(losses.slice(0, LOSS_STEPS)) : Number.NaN,
    lossAfter: losses.length > 0 ? mean(losses.slice(-LOSS_STEPS)) : Number.NaN,
    cpuSeconds: budget.usedSeconds,
  }
}

/** Steps that others hold up beyond the slots are cut at the next place where the trainer listens. */
async function runChunk(o: TrainingRunOptions, steps: number): Promise<StepResult> {
  const { trainer, order, clock, endsAtMs, signal } = o
  const cut = new AbortController()
  const chunk = await trainer.step(
    { steps, learningRate: order.learningRate },
    {
      signal: AbortSignal.any([signal, cut.signal]),
      onProgress: () => {
        if (clock.now() >= endsAtMs) cut.abort()
      },
    },
  )
  signal.throwIfAborted()
  return chunk
}

/** How many steps make a chunk, from what the chunk before took. */
class StepPace {
  readonly #options: Pick<TrainingRunOptions, 'budget' | 'clock' | 'endsAtMs'>
  #wallMs = CHUNK_MS / FIRST_STEPS
  #cpuMs = CHUNK_MS / FIRST_STEPS
  #cpuSecondsSoFar: number | undefined

  constructor(options: Pick<TrainingRunOptions, 'budget' | 'clock' | 'endsAtMs'>) {
    this.#options = options
  }

  /** 0 where no further step fits into the slots or the share of them. */
  nextSteps(left: number): number {
    const { budget, clock, endsAtMs } = this.#options
    const inSlots = Math.floor((endsAtMs - clock.now()) / this.#wallMs)
    const inBudget = Math.floor((budget.leftSeconds * 1000) / this.#cpuMs)
    // What a step takes is not known before the first, which every share can pay for.
    const paid = this.#cpuSecondsSoFar === undefined ? Math.max(1, inBudget) : inBudget
    return Math.max(0, Math.min(left, inSlots, paid, this.#chunkSteps()))
  }

  /** CPU seconds since the chunk before, messages between them included. */
  note({ losses, cpuSeconds, cpuSecondsSoFar, durationMs }: StepResult): number {
    const steps = Math.max(1, losses.length)
    const before = this.#cpuSecondsSoFar ?? cpuSecondsSoFar - cpuSeconds
    this.#cpuSecondsSoFar = cpuSecondsSoFar
    this.#wallMs = Math.max(durationMs / steps, 1e-3)
    this.#cpuMs = Math.max((cpuSeconds * 1000) / steps, 1e-3)
    return cpuSecondsSoFar - before
  }

  /** Of work, not of waiting for the core. */
  #chunkSteps(): number {
    return Math.max(1, Math.floor(CHUNK_MS / this.#cpuMs))
  }
}
