import { z } from 'zod'
import type { ValueName } from '../graph/graph-emitter.ts'
import { xavierUniform } from './initial-weights.ts'
import { activate, convolution, globalAverage, groupNormalization, linear } from './layers.ts'
import { ModelBuilder } from './model-builder.ts'
import { channelCount, classCount, imageShape, seed } from './option-fields.ts'

export const resnetSchema = z
  .strictObject({
    kind: z.literal('resnet'),
    imageShape: imageShape(),
    stages: z
      .array(channelCount())
      .min(1)
      .max(5)
      .default([16, 32, 64])
      .describe('Feature maps of each stage; a stage halves the image but the first.'),
    blocksPerStage: z.int().min(1).max(18).default(1).describe('Residual blocks of each stage.'),
    groupChannels: z
      .int()
      .min(1)
      .max(1024)
      .default(8)
      .describe('Feature maps that are normalized together.'),
    classes: classCount(),
    seed: seed(),
  })
  .refine(({ stages, groupChannels }) => stages.every(count => count % groupChannels === 0), {
    path: ['groupChannels'],
    error: 'does not divide the feature maps of every stage',
  })

/**
 * The residual network for small images of He et al. 2015 (section 4.2: 6 · blocksPerStage + 2 layers
 * with three stages; shortcuts that change shape are 1 × 1 convolutions, its option B), with the group
 * normalization of Wu and He 2018 in place of batch normalization: no running statistics, which clients
 * with other data would not share. A group of one map would lose how strong the map is, the one thing
 * that the average at the end tells of it.
 *
 * ONNX: `image` float32 [batch, channels, height, width] → `logits` float32 [batch, classes].
 */
export function buildResnet(settings: z.output<typeof resnetSchema>): Uint8Array {
  const { imageShape, stages, blocksPerStage, groupChannels, classes, seed } = settings
  const model = new ModelBuilder({ name: 'resnet', seed })
  const [stemChannels = 0] = stages
  const stem = { name: 'stem', channels: stemChannels, groupChannels, stride: 1 }
  let x = activate(model, normalized(model, model.input('image', imageShape), stem), 'relu')
  for (const [stage, channels] of stages.entries()) {
    for (let block = 0; block < blocksPerStage; block++) {
      const stride = stage > 0 && block === 0 ? 2 : 1
      x = residualBlock(model, x, {
        name: `stage.${stage}.${block}`,
        channels,
        groupChannels,
        stride,
      })
    }
  }
  const output = { name: 'output', size: classes, initial: xavierUniform, output: 'logits' }
  return model.finish([linear(model, globalAverage(model, x), output)])
}

interface BlockOptions {
  readonly name: string
  readonly channels: number
  readonly groupChannels: number
  readonly stride: number
}

/** y = relu(x + F(x)), F two convolutions (He et al. 2015, figure 2 and equation 1). */
function residualBlock(model: ModelBuilder, x: ValueName, options: BlockOptions): ValueName {
  const { name, channels, stride } = options
  const inner = normalized(model, x, { ...options, name: `${name}.conv.0` })
  const branch = normalized(model, activate(model, inner, 'relu'), {
    ...options,
    name: `${name}.conv.1`,
    stride: 1,
  })
  const [inputChannels] = model.sampleShape(x)
  const shortcut =
    stride === 1 && inputChannels === channels
      ? x
      : normalized(model, x, { ...options, name: `${name}.shortcut`, kernel: 1 })
  return activate(model, model.graph.add(shortcut, branch), 'relu')
}

/** The normalization has a bias of its own, so the convolution needs none. */
function normalized(
  model: ModelBuilder,
  x: ValueName,
  options: BlockOptions & { readonly kernel?: number },
): ValueName {
  const { name, channels, groupChannels, stride, kernel = 3 } = options
  const convolved = convolution(model, x, { name, channels, kernel, stride, hasBias: false })
  const groups = channels / groupChannels
  return groupNormalization(model, convolved, { name: `${name}.norm`, groups })
}
