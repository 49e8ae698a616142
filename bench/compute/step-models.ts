import { type Random, seededRandom } from '../../runtime/seeded-random.ts'
import { buildTrainingArtifact } from '../../training/forms/training-artifact.ts'
import { buildModel, type ModelOptions } from '../../training/models/registry.ts'
import type { TrainingJob } from '../../training/trainer/training-run.ts'

const SEED = 1
const SAMPLES = 256

interface StepModel {
  readonly options: ModelOptions
  readonly batch: number
}

/** None is among the kernels that the cost model is fitted to. */
export const STEP_MODELS = {
  'mlp-small': { options: mlp(32, [64], 8), batch: 32 },
  'mlp-medium': { options: mlp(128, [256, 128], 10), batch: 32 },
  'mlp-large': { options: mlp(784, [512, 512], 10), batch: 64 },
  'cnn-small': { options: cnn([1, 16, 16], [8, 16]), batch: 16 },
  'cnn-medium': { options: cnn([1, 28, 28], [16, 32]), batch: 32 },
  'cnn-large': { options: cnn([3, 32, 32], [32, 64, 128]), batch: 32 },
  'gpt-small': { options: gpt(256, 32, { width: 32, layers: 1, heads: 2 }), batch: 8 },
  'gpt-medium': { options: gpt(256, 64, { width: 64, layers: 2, heads: 4 }), batch: 8 },
  'gpt-large': { options: gpt(512, 64, { width: 128, layers: 4, heads: 4 }), batch: 8 },
} as const satisfies Record<string, StepModel>

export type StepModelName = keyof typeof STEP_MODELS

function mlp(inputSize: number, hiddenSizes: number[], outputSize: number) {
  return { kind: 'mlp', inputSize, hiddenSizes, outputSize, seed: SEED } as const
}

function cnn(imageShape: [number, number, number], channels: number[]) {
  return { kind: 'cnn', imageShape, channels, classes: 10, seed: SEED } as const
}

function gpt(
  vocabularySize: number,
  contextTokens: number,
  sizes: { readonly width: number; readonly layers: number; readonly heads: number },
) {
  return { kind: 'gpt', vocabularySize, contextTokens, ...sizes, seed: SEED } as const
}

/** The model with samples from a seed: what they are does not matter, only that they differ. */
export function jobOf(name: StepModelName): TrainingJob {
  const { options, batch } = STEP_MODELS[name]
  const { bytes, initialParameters } = buildTrainingArtifact(buildModel(options), {
    loss: 'softmax-cross-entropy',
    optimizer: { kind: 'adam' },
    batch,
  })
  const random = seededRandom(SEED)
  const model = { artifact: bytes, parameters: initialParameters, seed: SEED }
  if (options.kind === 'gpt') {
    const { vocabularySize, contextTokens: inputWidth } = options
    const tokens = () => choices(random, SAMPLES * inputWidth, vocabularySize)
    return { ...model, inputs: tokens(), inputWidth, labels: tokens() }
  }
  const inputWidth =
    options.kind === 'mlp' ? options.inputSize : options.imageShape.reduce((a, b) => a * b)
  const classes = options.kind === 'mlp' ? options.outputSize : options.classes
  const inputs = Float32Array.from({ length: SAMPLES * inputWidth }, () => random() - 0.5)
  return { ...model, inputs, inputWidth, labels: choices(random, SAMPLES, classes) }
}

function choices(random: Random, count: number, of: number): Int32Array {
  return Int32Array.from({ length: count }, () => random() * of)
}
