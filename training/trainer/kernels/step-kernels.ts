import type { Random } from '../../../runtime/seeded-random.ts'
import { buildByteLanguageModel } from '../../models/byte-language-model.ts'
import { buildModel } from '../../models/registry.ts'
import { nextByteSamples } from '../../samples/next-byte-samples.ts'
import type { TrainingKernel } from './training-kernel.ts'

const CLASSIFYING = { loss: 'softmax-cross-entropy', optimizer: { kind: 'adam' } } as const

/** Whole training steps, in which each operator meets caches that others have used. */
export const stepKernels = {
  /** The default model of the demo. */
  'training-step': {
    model: () =>
      buildByteLanguageModel({ contextBytes: 16, embeddingSize: 16, hiddenSizes: [128], seed: 1 }),
    options: { ...CLASSIFYING, batch: 64 },
    samples: random => {
      const text = Uint8Array.from({ length: 2064 }, () => random() * 256)
      return nextByteSamples(text, { contextBytes: 16, samplesMax: 2048 })
    },
  },

  'wide-step': {
    model: () =>
      buildModel({ kind: 'mlp', inputSize: 320, hiddenSizes: [384, 192], outputSize: 16, seed: 1 }),
    options: { ...CLASSIFYING, batch: 48 },
    samples: random => ({
      inputs: numbers(random, 96 * 320),
      inputWidth: 320,
      labels: choices(random, { count: 96, of: 16 }),
    }),
  },

  'image-step': {
    model: () =>
      buildModel({
        ...{ kind: 'cnn', imageShape: [2, 20, 20], channels: [12, 24] },
        ...{ classes: 6, seed: 1 },
      }),
    options: { ...CLASSIFYING, batch: 24 },
    samples: random => ({
      inputs: numbers(random, 48 * 800),
      inputWidth: 800,
      labels: choices(random, { count: 48, of: 6 }),
    }),
  },

  'text-step': {
    model: () =>
      buildModel({
        ...{ kind: 'gpt', vocabularySize: 320, contextTokens: 48 },
        ...{ width: 96, layers: 1, heads: 3, seed: 1 },
      }),
    options: { ...CLASSIFYING, batch: 6 },
    samples: random => ({
      inputs: choices(random, { count: 24 * 48, of: 320 }),
      inputWidth: 48,
      labels: choices(random, { count: 24 * 48, of: 320 }),
    }),
  },

  'short-text-step': {
    model: () =>
      buildModel({
        ...{ kind: 'gpt', vocabularySize: 96, contextTokens: 20 },
        ...{ width: 24, layers: 1, heads: 3, seed: 1 },
      }),
    options: { ...CLASSIFYING, batch: 6 },
    samples: random => ({
      inputs: choices(random, { count: 24 * 20, of: 96 }),
      inputWidth: 20,
      labels: choices(random, { count: 24 * 20, of: 96 }),
    }),
  },

  /** A million parameters and little else: what a run takes besides its steps. */
  states: {
    model: () =>
      buildModel({ kind: 'mlp', inputSize: 1024, hiddenSizes: [1024], outputSize: 2, seed: 1 }),
    options: { ...CLASSIFYING, optimizer: { kind: 'sgd' }, batch: 1 },
    samples: random => ({
      inputs: numbers(random, 8 * 1024),
      inputWidth: 1024,
      labels: choices(random, { count: 8, of: 2 }),
    }),
    runsAlone: true,
  },
} satisfies Record<string, TrainingKernel>

function numbers(random: Random, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => random() - 0.5)
}

function choices(
  random: Random,
  { count, of }: { readonly count: number; readonly of: number },
): Int32Array {
  return Int32Array.from({ length: count }, () => random() * of)
}
