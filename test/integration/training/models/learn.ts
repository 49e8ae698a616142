import { onTestFinished } from 'vitest'
import { buildTrainingArtifact } from '../../../../training/forms/training-artifact.ts'
import type { LossOptions } from '../../../../training/loss/registry.ts'
import type { Samples } from '../../../../training/samples/samples.ts'
import { Evaluator } from '../../../../training/trainer/evaluator.ts'
import type { LearningRate } from '../../../../training/trainer/learning-rate.ts'
import { loadOrt } from '../../../../training/trainer/ort-session.ts'
import { TrainingRun } from '../../../../training/trainer/training-run.ts'

export interface Lesson {
  readonly loss: LossOptions
  readonly batch: number
  readonly steps: number
  readonly learningRate: LearningRate
  readonly training: Samples
  readonly heldBack: Samples
}

/** Trains a model with Adam and tells its loss on samples that it did not train on. */
export async function learn(model: Uint8Array, lesson: Lesson) {
  const { loss, batch, steps, learningRate, training, heldBack } = lesson
  const ort = await loadOrt()
  const artifact = buildTrainingArtifact(model, { loss, optimizer: { kind: 'adam' }, batch })
  const run = await TrainingRun.open(ort, {
    artifact: artifact.bytes,
    parameters: artifact.initialParameters,
    ...training,
    seed: 1,
  })
  onTestFinished(() => run.release())
  const evaluator = new Evaluator(ort)
  onTestFinished(() => evaluator.release())
  const lossOf = async (parameters: Float32Array) => {
    const { lossMean } = await evaluator.evaluate({ model, parameters, loss, ...heldBack })
    return lossMean
  }
  const before = await lossOf(artifact.initialParameters)
  const losses = await run.step({ steps, learningRate })
  const parameters = run.parameters()
  return { before, after: await lossOf(parameters), losses, parameters }
}
