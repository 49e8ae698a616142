import { z } from 'zod'
import type { ValueName } from '../../graph/graph-emitter.ts'
import { attr } from '../../onnx/attribute.ts'
import { xavierUniform } from '../initial-weights.ts'
import { activate, convolution, groupNormalization, linear } from '../layers.ts'
import { ModelBuilder } from '../model-builder.ts'
import { channelCount, imageShape, seed } from '../option-fields.ts'
import { contextOptions, embedContext } from './context.ts'

export const unetSchema = z
  .strictObject({
    kind: z.literal('ddpm-unet'),
    imageShape: imageShape(),
    channels: z
      .array(channelCount())
      .min(1)
      .max(5)
      .default([16, 32])
      .describe('Feature maps of each level; a level halves the image but the first.'),
    groupChannels: channelCount().default(8).describe('Feature maps that are normalized together.'),
    ...contextOptions,
    seed: seed(),
  })
  .refine(({ channels, groupChannels }) => channels.every(count => count % groupChannels === 0), {
    path: ['groupChannels'],
    error: 'does not divide the feature maps of every level',
  })
  .refine(
    ({ imageShape: [, ...space], channels }) =>
      space.every(size => size % 2 ** (channels.length - 1) === 0),
    { path: ['channels'], error: 'has more levels than the image can be halved without a rest' },
  )

/** Vectors that tell step and condition are so many times wider than the first level. */
const CONTEXT_TO_CHANNELS = 4

/**
 * Sees the noise in an image: the U-Net of Ho et al. 2020 (appendix B: group normalization, step added
 * to every residual block, joins across), small, without attention and with one block a level.
 *
 * ONNX: `x` float32 [batch, channels, height, width], `t` int32 [batch], with a condition `condition`
 *   float32 [batch, conditionSize] → `noise` like x.
 */
export function buildUnet(settings: z.output<typeof unetSchema>): Uint8Array {
  const { imageShape, channels, groupChannels, timeSize, conditionSize, seed } = settings
  const model = new ModelBuilder({ name: 'ddpm-unet', seed })
  const image = model.input('x', imageShape)
  const [first = 0] = channels
  const size = CONTEXT_TO_CHANNELS * first
  const context = activate(model, embedContext(model, { size, timeSize, conditionSize }), 'silu')
  const block = (name: string, x: ValueName, count: number) =>
    residualBlock(model, x, { name, channels: count, groupChannels, context })

  let x = convolution(model, image, { name: 'stem', channels: first, kernel: 3 })
  const joins: ValueName[] = []
  for (const [level, count] of channels.entries()) {
    if (level > 0) {
      x = convolution(model, x, { name: `down.${level}`, channels: count, kernel: 3, stride: 2 })
    }
    x = block(`encoder.${level}`, x, count)
    joins.push(x)
  }
  for (const [level, count] of [...channels.entries()].reverse()) {
    if (level < channels.length - 1) {
      x = convolution(model, doubled(model, x), { name: `up.${level}`, channels: count, kernel: 3 })
    }
    const joined = [x, joins[level] ?? '']
    x = block(`decoder.${level}`, model.graph.emit('Concat', joined, [attr.int('axis', 1)]), count)
  }
  const last = normalized(model, x, { name: 'norm', groupChannels })
  const output = { name: 'output', channels: imageShape[0], kernel: 3, initial: xavierUniform }
  return model.finish([convolution(model, last, { ...output, output: 'noise' })])
}

/** y = shortcut(x) + conv(silu(norm(conv(silu(norm(x))) + W · context))) */
function residualBlock(
  model: ModelBuilder,
  x: ValueName,
  options: {
    readonly name: string
    readonly channels: number
    readonly groupChannels: number
    readonly context: ValueName
  },
): ValueName {
  const { name, channels, groupChannels, context } = options
  const conv = { channels, kernel: 3 }
  const before = normalized(model, x, { name: `${name}.norm.0`, groupChannels })
  const inner = convolution(model, before, { ...conv, name: `${name}.conv.0` })
  const told = linear(model, context, { name: `${name}.context`, size: channels })
  const sum = model.graph.add(inner, model.reshape(told, [channels, 1, 1]))
  const hidden = normalized(model, sum, { name: `${name}.norm.1`, groupChannels })
  const branch = convolution(model, hidden, { ...conv, name: `${name}.conv.1` })
  const [inputChannels] = model.sampleShape(x)
  const shortcut =
    inputChannels === channels
      ? x
      : convolution(model, x, { name: `${name}.shortcut`, channels, kernel: 1 })
  return model.graph.add(shortcut, branch)
}

function normalized(
  model: ModelBuilder,
  x: ValueName,
  { name, groupChannels }: { readonly name: string; readonly groupChannels: number },
): ValueName {
  const [channels = 0] = model.sampleShape(x)
  const groups = channels / groupChannels
  return activate(model, groupNormalization(model, x, { name, groups }), 'silu')
}

/** Twice as high and wide, each place four times: a nearest Resize, which has no float64 kernel. */
function doubled(model: ModelBuilder, x: ValueName): ValueName {
  const [channels = 0, height = 0, width = 0] = model.sampleShape(x)
  const apart = model.reshape(x, [channels, height, 1, width, 1])
  const stretched = model.node('Expand', [apart, model.graph.ints([1, 1, 1, 2, 1, 2])])
  return model.reshape(stretched, [channels, 2 * height, 2 * width])
}
