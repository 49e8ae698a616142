import { createHash } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildByteLanguageModel } from '../../../training/models/byte-language-model.ts'
import { nextByteSamples } from '../../../training/samples/next-byte-samples.ts'
import { TrainerProcess } from '../../../training/trainer/trainer-process.ts'
import type { TrainingJob } from '../../../training/trainer/training-run.ts'

type ArtifactOptions = Partial<Parameters<typeof buildTrainingArtifact>[1]>

const CONTEXT_BYTES = 8
const SENTENCE = 'Edge devices sense, learn and share what they learned. '
const windows = nextByteSamples(new TextEncoder().encode(SENTENCE.repeat(20)), {
  contextBytes: CONTEXT_BYTES,
  samplesMax: 100_000,
})

/** A small byte model that learns a sentence by heart: 34 steps an epoch. */
export function byteJob(options: ArtifactOptions = {}, hiddenSizes: readonly number[] = [64]) {
  const model = buildByteLanguageModel({
    contextBytes: CONTEXT_BYTES,
    embeddingSize: 8,
    hiddenSizes,
    seed: 1,
  })
  const artifact = buildTrainingArtifact(model, {
    loss: 'softmax-cross-entropy',
    optimizer: { kind: 'adam' },
    batch: 32,
    ...options,
  })
  const job: TrainingJob = {
    artifact: artifact.bytes,
    parameters: artifact.initialParameters,
    ...windows,
    seed: 4,
  }
  return { model, artifact, job }
}

export async function startTrainer(options: Parameters<typeof TrainerProcess.start>[0] = {}) {
  const trainer = await TrainerProcess.start(options)
  onTestFinished(() => trainer.stop())
  return trainer
}

export function hashOf(values: Uint8Array | Float32Array): string {
  const { buffer, byteOffset, byteLength } = values
  return createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex')
}
