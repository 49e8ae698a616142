import { existsSync } from 'node:fs'
import type { FittedSamples } from '../../training/datasets/fit-samples.ts'
import type { TrainingArtifact } from '../../training/forms/training-artifact.ts'
import type { TrainerProcess } from '../../training/trainer/trainer-process.ts'
import { ProgressLine } from './progress-line.ts'
import type { TrainOptions } from './train-options.ts'

export interface TrainedRun {
  /** Of each step of this run. */
  readonly losses: readonly number[]
  /** Steps of the checkpoint that it went on from; 0 without. */
  readonly stepBefore: number
  readonly isInterrupted: boolean
  readonly seconds: number
  readonly cpuSeconds: number
}

/** Trains epoch by epoch until all steps are done or the signal comes, with a checkpoint after each. */
export async function trainEpochs(
  trainer: TrainerProcess,
  given: {
    readonly artifact: TrainingArtifact
    readonly training: FittedSamples
    readonly options: TrainOptions
    readonly signal: AbortSignal
  },
): Promise<TrainedRun> {
  const { artifact, training, options, signal } = given
  const { checkpoint, seed, learningRate } = options
  const { inputs, inputWidth, labels } = training
  const { stepsPerEpoch, stepCount: stepBefore } = await trainer.load({
    artifact: artifact.bytes,
    parameters: artifact.initialParameters,
    inputs,
    inputWidth,
    ...(labels ? { labels } : {}),
    seed,
    ...(checkpoint && existsSync(checkpoint) ? { resume: checkpoint } : {}),
  })
  const steps = options.steps ?? options.epochs * stepsPerEpoch
  const losses: number[] = []
  const progress = new ProgressLine(process.stderr)
  const startedAt = performance.now()
  const secondsPassed = () => (performance.now() - startedAt) / 1000
  let cpuSeconds = 0
  const onProgress = (more: Float32Array): void => {
    losses.push(...more)
    const step = stepBefore + losses.length
    const epoch = Math.ceil(step / stepsPerEpoch)
    const loss = more.at(-1) ?? Number.NaN
    if (!options.json) progress.show({ step, steps, epoch, loss, secondsPassed: secondsPassed() })
  }
  try {
    while (stepBefore + losses.length < steps && !signal.aborted) {
      const left = steps - stepBefore - losses.length
      const chunk = { steps: Math.min(left, stepsPerEpoch), learningRate }
      const done = await trainer.step(chunk, { onProgress, signal, deadlineMs: EPOCH_MS_MAX })
      cpuSeconds += done.cpuSeconds
      if (checkpoint) await trainer.checkpoint(checkpoint)
    }
  } finally {
    progress.clear()
  }
  return { losses, stepBefore, isInterrupted: signal.aborted, seconds: secondsPassed(), cpuSeconds }
}

/** A day: an epoch of a large model on a small board takes hours, and the child reports on the way. */
const EPOCH_MS_MAX = 24 * 3_600_000
