import { z } from 'zod'
import type { ValueName } from '../../graph/graph-emitter.ts'
import { xavierUniform } from '../initial-weights.ts'
import { activate, layerNormalization, linear } from '../layers.ts'
import { ModelBuilder } from '../model-builder.ts'
import { seed, width } from '../option-fields.ts'
import { contextOptions, embedContext } from './context.ts'

export const denoiserSchema = z.strictObject({
  kind: z.literal('ddpm-denoiser'),
  size: width().describe('Numbers of a sample.'),
  hiddenSize: width().default(128).describe('Width of the residual stream.'),
  blocks: z.int().min(1).max(32).default(3).describe('Residual blocks.'),
  ...contextOptions,
  seed: seed(),
})

/**
 * Sees the noise in a vector (Ho et al. 2020, section 3.4: ε_θ): residual blocks of two layers, to each
 * of which step and condition are added, as to those of their U-Net (appendix B). Trained on
 * `noisedSamples` by the mean squared error, it generates with `denoise`.
 *
 * ONNX: `x` float32 [batch, size], `t` int32 [batch], with a condition `condition` float32
 *   [batch, conditionSize] → `noise` float32 [batch, size].
 */
export function buildDenoiser(settings: z.output<typeof denoiserSchema>): Uint8Array {
  const { size, conditionSize, hiddenSize, blocks, timeSize, seed } = settings
  const model = new ModelBuilder({ name: 'ddpm-denoiser', seed })
  const x = model.input('x', [size])
  const context = embedContext(model, { size: hiddenSize, timeSize, conditionSize })
  let stream = linear(model, x, { name: 'input', size: hiddenSize, initial: xavierUniform })
  for (let block = 0; block < blocks; block++) {
    stream = residualBlock(model, stream, { name: `block.${block}`, context })
  }
  const last = activate(model, layerNormalization(model, stream, { name: 'norm' }), 'silu')
  const output = { name: 'output', size, initial: xavierUniform, output: 'noise' }
  return model.finish([linear(model, last, output)])
}

/** y = x + W₂ · silu(W₁ · silu(norm(x)) + W_c · silu(context)) */
function residualBlock(
  model: ModelBuilder,
  x: ValueName,
  { name, context }: { readonly name: string; readonly context: ValueName },
): ValueName {
  const size = model.graph.shape(x).at(-1) ?? 0
  const normed = layerNormalization(model, x, { name: `${name}.norm` })
  const inner = linear(model, activate(model, normed, 'silu'), { name: `${name}.0`, size })
  const told = linear(model, activate(model, context, 'silu'), { name: `${name}.context`, size })
  const hidden = activate(model, model.graph.add(inner, told), 'silu')
  const branch = linear(model, hidden, { name: `${name}.1`, size, initial: xavierUniform })
  return model.graph.add(x, branch)
}
