import { mean } from 'simple-statistics'
import type { ConsumeOrder } from '../../protocol/assignment.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { TrainerProcess } from '../../training/trainer/trainer-process.ts'
import type { SlotGate } from './slot-gate.ts'

/** One run of the trainer: short enough that slots end on time, long enough to be worth a call. */
const CHUNK_MS = 80
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

/**
 * Runs local steps in the compute slots of an order until its samples are used up or its slots end,
 * whichever is first; says how many samples were really trained on.
 */
export async function runTraining(o: {
  readonly trainer: TrainerProcess
  readonly order: Pick<ConsumeOrder, 'computingShare' | 'localEpochs' | 'learningRate'>
  readonly sampleCount: number
  /** Of the training graph: its batch, times the batches that it gathers for a step. */
  readonly samplesPerStep: number
  readonly gate: SlotGate
  readonly clock: Clock
  /** End of the compute slots, on the agent's clock. */
  readonly endsAtMs: number
}): Promise<TrainingResult> {
  const { trainer, order, sampleCount, samplesPerStep, gate, clock, endsAtMs } = o
  const stepsWanted = Math.ceil(sampleCount / samplesPerStep) * order.localEpochs
  const losses: number[] = []
  let [cpuSeconds, msPerStep] = [0, CHUNK_MS / FIRST_STEPS]
  while (losses.length < stepsWanted && clock.now() + msPerStep < endsAtMs) {
    const fitting = Math.max(1, Math.floor(Math.min(CHUNK_MS, endsAtMs - clock.now()) / msPerStep))
    const steps = Math.min(stepsWanted - losses.length, fitting)
    const chunk = await trainer.step({ steps, learningRate: order.learningRate })
    losses.push(...chunk.losses)
    cpuSeconds += chunk.cpuSeconds
    msPerStep = Math.max(chunk.durationMs / steps, 1e-3)
    await gate.rest({
      cpuSeconds: chunk.cpuSeconds,
      durationMs: chunk.durationMs,
      share: order.computingShare,
      endsAtMs,
    })
  }
  return {
    steps: losses.length,
    // Of one epoch: a sample that is seen again brings nothing new to the average's weight.
    sampleCount: Math.min(sampleCount, losses.length * samplesPerStep),
    lossBefore: losses.length > 0 ? mean(losses.slice(0, LOSS_STEPS)) : Number.NaN,
    lossAfter: losses.length > 0 ? mean(losses.slice(-LOSS_STEPS)) : Number.NaN,
    cpuSeconds,
  }
}
