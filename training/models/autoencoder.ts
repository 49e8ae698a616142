import { z } from 'zod'
import { xavierUniform } from './initial-weights.ts'
import { activate, linear } from './layers.ts'
import { ModelBuilder } from './model-builder.ts'
import { seed, width, widths } from './option-fields.ts'

export const autoencoderSchema = z.strictObject({
  kind: z.literal('autoencoder'),
  inputSize: width().describe('Numbers of a sample.'),
  hiddenSizes: widths()
    .default([128])
    .describe('Width of each layer on the way in; the same backwards on the way out.'),
  latentSize: width().default(32).describe('Numbers that a sample is squeezed into.'),
  seed: seed(),
})

/**
 * Squeezes a sample through a narrow layer and restores it (Hinton and Salakhutdinov 2006).
 *
 * ONNX: `sample` float32 [batch, inputSize] → `reconstruction` float32 [batch, inputSize].
 */
export function buildAutoencoder(settings: z.output<typeof autoencoderSchema>): Uint8Array {
  const { inputSize, hiddenSizes, latentSize, seed } = settings
  const model = new ModelBuilder({ name: 'autoencoder', seed })
  let x = model.input('sample', [inputSize])
  for (const [index, size] of hiddenSizes.entries()) {
    x = activate(model, linear(model, x, { name: `encoder.${index}`, size }), 'relu')
  }
  x = linear(model, x, { name: 'latent', size: latentSize, initial: xavierUniform })
  for (const [index, size] of hiddenSizes.toReversed().entries()) {
    x = activate(model, linear(model, x, { name: `decoder.${index}`, size }), 'relu')
  }
  const output = { name: 'output', size: inputSize, initial: xavierUniform }
  return model.finish([linear(model, x, { ...output, output: 'reconstruction' })])
}
