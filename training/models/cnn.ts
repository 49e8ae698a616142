import { z } from 'zod'
import type { ValueName } from '../graph/graph-emitter.ts'
import { xavierUniform } from './initial-weights.ts'
import { activate, convolution, linear, maxPool } from './layers.ts'
import { ModelBuilder } from './model-builder.ts'
import { channelCount, classCount, extent, imageShape, oddKernel, seed } from './option-fields.ts'

const POOL = 2

const options = {
  channels: z
    .array(channelCount())
    .min(1)
    .max(8)
    .default([16, 32])
    .describe('Feature maps of each block of convolution, ReLU and pooling.'),
  classes: classCount(),
  seed: seed(),
}

export const cnnSchema = z
  .strictObject({
    kind: z.literal('cnn'),
    imageShape: imageShape(),
    kernel: oddKernel().default(3).describe('Height and width of each convolution.'),
    ...options,
  })
  .refine(({ imageShape: [, height, width], channels }) => isEnough(channels, height, width), {
    path: ['channels'],
    error: 'has more blocks than the image can be halved',
  })

export const cnn1dSchema = z
  .strictObject({
    kind: z.literal('cnn-1d'),
    inputChannels: channelCount().describe('Series beside each other: sub-carriers, say.'),
    length: extent().describe('Samples in time of a window.'),
    kernel: oddKernel().default(5).describe('Samples in time that a convolution sees.'),
    ...options,
  })
  .refine(({ length, channels }) => isEnough(channels, length), {
    path: ['channels'],
    error: 'has more blocks than the window can be halved',
  })

function isEnough(channels: readonly number[], ...space: readonly number[]): boolean {
  return Math.min(...space) >= POOL ** channels.length
}

/**
 * Blocks of a convolution, ReLU and pooling by two, then a score a class (LeCun et al. 1998, with ReLU
 * and the largest of each window).
 *
 * ONNX: `image` float32 [batch, channels, height, width] → `logits` float32 [batch, classes].
 */
export function buildCnn(settings: z.output<typeof cnnSchema>): Uint8Array {
  const model = new ModelBuilder({ name: 'cnn', seed: settings.seed })
  const image = model.input('image', settings.imageShape)
  return model.finish([classify(model, image, settings)])
}

/**
 * The same over time, for windows of sensor series: CSI amplitudes, radar.
 *
 * ONNX: `window` float32 [batch, inputChannels, length] → `logits` float32 [batch, classes].
 */
export function buildCnn1d(settings: z.output<typeof cnn1dSchema>): Uint8Array {
  const model = new ModelBuilder({ name: 'cnn-1d', seed: settings.seed })
  const window = model.input('window', [settings.inputChannels, settings.length])
  return model.finish([classify(model, window, settings)])
}

function classify(
  model: ModelBuilder,
  input: ValueName,
  settings: {
    readonly channels: readonly number[]
    readonly kernel: number
    readonly classes: number
  },
): ValueName {
  const { channels, kernel, classes } = settings
  let x = input
  for (const [index, count] of channels.entries()) {
    const convolved = convolution(model, x, { name: `conv.${index}`, channels: count, kernel })
    x = maxPool(model, activate(model, convolved, 'relu'), POOL)
  }
  const features = model.node('Flatten', [x])
  return linear(model, features, {
    name: 'output',
    size: classes,
    initial: xavierUniform,
    output: 'logits',
  })
}
