import { z } from 'zod'
import { heNormal, xavierUniform } from './initial-weights.ts'
import { ACTIVATIONS, activate, linear } from './layers.ts'
import { ModelBuilder } from './model-builder.ts'
import { seed, width, widths } from './option-fields.ts'

export const mlpSchema = z.strictObject({
  kind: z.literal('mlp'),
  inputSize: width().describe('Features of a sample.'),
  hiddenSizes: widths().default([128]).describe('Width of each hidden layer.'),
  outputSize: width().describe('Classes, or numbers to predict.'),
  activation: z.enum(ACTIVATIONS).default('relu').describe('After each hidden layer.'),
  seed: seed(),
})

/**
 * A multilayer perceptron: layers that are each joined with all of the one before.
 *
 * ONNX: `features` float32 [batch, inputSize] → `prediction` float32 [batch, outputSize].
 */
export function buildMlp(options: z.output<typeof mlpSchema>): Uint8Array {
  const { inputSize, hiddenSizes, outputSize, activation, seed } = options
  const model = new ModelBuilder({ name: 'mlp', seed })
  const initial = activation === 'tanh' ? xavierUniform : heNormal
  let x = model.input('features', [inputSize])
  for (const [index, size] of hiddenSizes.entries()) {
    x = activate(model, linear(model, x, { name: `hidden.${index}`, size, initial }), activation)
  }
  const output = { name: 'output', size: outputSize, initial: xavierUniform, output: 'prediction' }
  return model.finish([linear(model, x, output)])
}
