import { arch } from 'node:process'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { buildTrainingForms } from '../../../training/forms/training-forms.ts'
import { buildByteLanguageModel } from '../../../training/models/byte-language-model.ts'
import { nextByteSamples } from '../../../training/samples/next-byte-samples.ts'
import { loadOrt } from '../../../training/trainer/ort-session.ts'
import { TrainingRun } from '../../../training/trainer/training-run.ts'
import { buildSmallCnn } from '../../integration/training/small-cnn.ts'
import { type StepJob, trainByStepForm } from './step-form-training.ts'

// A program of its own: it trains small models and prints the loss of each step as JSON. Run on two
// kinds of processor it shows what they make of the same artifact, samples and seed.

/** The seed of weights, samples and their order. */
const SEED = 20_261
const STEPS = 30
const BATCH = 16
const LEARNING_RATE = 0.01

export interface Losses {
  readonly arch: string
  /** By model, the losses of each step in either form. */
  readonly models: Readonly<
    Record<string, { readonly scan: readonly number[]; readonly step: readonly number[] }>
  >
}

interface Subject {
  readonly model: Uint8Array
  readonly samples: StepJob['samples']
}

const CONTEXT_BYTES = 8
const IMAGE_SIZE = 8
const CLASSES = 4

function byteModel(): Subject {
  const text = new TextEncoder().encode('the sensor hears the same words. '.repeat(8))
  const shape = { contextBytes: CONTEXT_BYTES, embeddingSize: 8, hiddenSizes: [32], seed: SEED }
  const samples = nextByteSamples(text, { contextBytes: CONTEXT_BYTES, samplesMax: 200 })
  return { model: buildByteLanguageModel(shape), samples }
}

function cnn(): Subject {
  const random = seededRandom(SEED)
  const count = 96
  const inputWidth = IMAGE_SIZE ** 2
  const labels = Int32Array.from({ length: count }, () => Math.floor(random() * CLASSES))
  // A class is how bright an image is, so that there is something to learn.
  const inputs = Float32Array.from(
    { length: count * inputWidth },
    (_, place) => (random() + (labels[Math.floor(place / inputWidth)] ?? 0)) / CLASSES,
  )
  const shape = { size: IMAGE_SIZE, channels: [4, 8], classes: CLASSES, seed: SEED }
  return { model: buildSmallCnn(shape).bytes, samples: { inputs, inputWidth, labels } }
}

async function lossesOf({ model, samples }: Subject) {
  const ort = await loadOrt()
  const { models, initialParameters: parameters } = buildTrainingForms(model, {
    loss: 'softmax-cross-entropy',
    optimizer: { kind: 'adam' },
    batch: BATCH,
    forms: ['scan', 'step'],
  })
  const job = { parameters, seed: SEED }
  const training = await TrainingRun.open(ort, { artifact: models.scan, ...job, ...samples })
  const scan = await training.step({ steps: STEPS, learningRate: LEARNING_RATE })
  await training.release()
  const step = await trainByStepForm(ort, {
    artifact: models.step,
    ...job,
    samples,
    steps: STEPS,
    learningRate: LEARNING_RATE,
  })
  return { scan: [...scan], step: [...step] }
}

const losses: Losses = {
  arch,
  models: { 'byte model': await lossesOf(byteModel()), CNN: await lossesOf(cnn()) },
}
process.stdout.write(`${JSON.stringify(losses)}\n`)
