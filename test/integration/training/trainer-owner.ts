/** A process that owns a trainer and leaves it at work, for the test of the owner's death. */

import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildByteLanguageModel } from '../../../training/models/byte-language-model.ts'
import { nextByteSamples } from '../../../training/samples/next-byte-samples.ts'
import { TrainerProcess } from '../../../training/trainer/trainer-process.ts'

const model = buildByteLanguageModel({
  contextBytes: 8,
  embeddingSize: 8,
  hiddenSizes: [64],
  seed: 1,
})
const artifact = buildTrainingArtifact(model, {
  loss: 'softmax-cross-entropy',
  optimizer: { kind: 'adam' },
  batch: 64,
})
const trainer = await TrainerProcess.start()
await trainer.load({
  artifact: artifact.bytes,
  parameters: artifact.initialParameters,
  ...nextByteSamples(new Uint8Array(1000).fill(7), { contextBytes: 8, samplesMax: 100_000 }),
  seed: 1,
})
process.send?.({ trainerPid: trainer.pid })
await trainer.step({ steps: 10_000_000, learningRate: 1e-4 })
