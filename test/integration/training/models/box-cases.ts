import type { ModelOptions } from '../../../../training/models/registry.ts'

export interface BoxCase {
  readonly name: string
  readonly options: ModelOptions
  /** Of one sample. */
  readonly outputs: Readonly<Record<string, readonly number[]>>
}

/** Each model twice, so that no size is taken for granted. */
export const boxCases: readonly BoxCase[] = [
  {
    name: 'mlp',
    options: { kind: 'mlp', inputSize: 6, outputSize: 3, hiddenSizes: [8], activation: 'relu' },
    outputs: { prediction: [3] },
  },
  {
    name: 'mlp of three layers',
    options: { kind: 'mlp', inputSize: 1, outputSize: 1, hiddenSizes: [5, 4], activation: 'tanh' },
    outputs: { prediction: [1] },
  },
  {
    name: 'cnn',
    options: { kind: 'cnn', imageShape: [1, 8, 8], classes: 4, channels: [3, 4] },
    outputs: { logits: [4] },
  },
  {
    name: 'cnn of one block for oblong colour images',
    options: { kind: 'cnn', imageShape: [3, 9, 6], classes: 2, channels: [4], kernel: 5 },
    outputs: { logits: [2] },
  },
  {
    name: 'cnn-1d',
    options: { kind: 'cnn-1d', inputChannels: 5, length: 13, classes: 3, channels: [4, 6] },
    outputs: { logits: [3] },
  },
  {
    name: 'cnn-1d of three blocks',
    options: {
      kind: 'cnn-1d',
      inputChannels: 1,
      length: 16,
      classes: 2,
      channels: [2, 3, 4],
      kernel: 3,
    },
    outputs: { logits: [2] },
  },
  {
    name: 'resnet',
    options: {
      kind: 'resnet',
      imageShape: [1, 8, 8],
      classes: 3,
      stages: [4, 8],
      groupChannels: 2,
    },
    outputs: { logits: [3] },
  },
  {
    name: 'resnet of two blocks a stage',
    options: {
      kind: 'resnet',
      imageShape: [2, 7, 5],
      classes: 4,
      stages: [3, 6],
      blocksPerStage: 2,
      groupChannels: 3,
    },
    outputs: { logits: [4] },
  },
  {
    name: 'autoencoder',
    options: { kind: 'autoencoder', inputSize: 7, hiddenSizes: [6], latentSize: 2 },
    outputs: { reconstruction: [7] },
  },
  {
    name: 'autoencoder of two layers a side',
    options: { kind: 'autoencoder', inputSize: 4, hiddenSizes: [8, 6], latentSize: 3 },
    outputs: { reconstruction: [4] },
  },
  {
    name: 'vae',
    options: { kind: 'vae', inputSize: 6, hiddenSizes: [5], latentSize: 2 },
    outputs: { loss: [], reconstruction: [6] },
  },
  {
    name: 'vae of normal numbers',
    options: {
      kind: 'vae',
      inputSize: 3,
      hiddenSizes: [6, 4],
      latentSize: 4,
      likelihood: 'gaussian',
    },
    outputs: { loss: [], reconstruction: [3] },
  },
  {
    name: 'ddpm-denoiser',
    options: { kind: 'ddpm-denoiser', size: 2, hiddenSize: 8, blocks: 2, timeSize: 6 },
    outputs: { noise: [2] },
  },
  {
    name: 'ddpm-denoiser with a condition',
    options: {
      kind: 'ddpm-denoiser',
      size: 5,
      conditionSize: 3,
      hiddenSize: 6,
      blocks: 1,
      timeSize: 4,
    },
    outputs: { noise: [5] },
  },
  {
    name: 'ddpm-unet',
    options: {
      kind: 'ddpm-unet',
      imageShape: [1, 4, 2],
      channels: [2, 4],
      groupChannels: 2,
      timeSize: 4,
    },
    outputs: { noise: [1, 4, 2] },
  },
  {
    name: 'ddpm-unet of one level with a condition',
    options: {
      kind: 'ddpm-unet',
      imageShape: [2, 3, 3],
      channels: [3],
      groupChannels: 3,
      conditionSize: 2,
      timeSize: 2,
    },
    outputs: { noise: [2, 3, 3] },
  },
]
