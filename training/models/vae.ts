import { z } from 'zod'
import type { ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { normal, xavierUniform } from './initial-weights.ts'
import { activate, linear } from './layers.ts'
import { ModelBuilder } from './model-builder.ts'
import { seed, width, widths } from './option-fields.ts'

export const vaeSchema = z.strictObject({
  kind: z.literal('vae'),
  inputSize: width().describe('Numbers of a sample.'),
  hiddenSizes: widths()
    .default([128])
    .describe('Width of each layer of the encoder; the same backwards in the decoder.'),
  latentSize: width().default(16).describe('Numbers of the latent vector.'),
  likelihood: z
    .enum(['bernoulli', 'gaussian'])
    .default('bernoulli')
    .describe('Of samples from 0 to 1, or of any numbers with a deviation of 1.'),
  seed: seed(),
})

export type VaeSettings = z.output<typeof vaeSchema>

/** The log variance of the latent vector begins near 0, that is its variance near that of the prior. */
const LOG_VARIANCE_DEVIATION = 0.01

/**
 * The variational autoencoder of Kingma and Welling 2013. The noise of the reparameterisation (section
 * 2.4) is an input, so that a run is repeated from its samples; the loss is a value of the model.
 *
 * ONNX: `sample` float32 [batch, inputSize], `noise` float32 [batch, latentSize] from N(0, 1)
 *   → `loss` float32 [batch], `reconstruction` float32 [batch, inputSize].
 */
export function buildVae(settings: VaeSettings): Uint8Array {
  const { inputSize, hiddenSizes, latentSize, seed } = settings
  const model = new ModelBuilder({ name: 'vae', seed })
  const { graph } = model
  const sample = model.input('sample', [inputSize])
  const noise = model.input('noise', [latentSize])
  let hidden = sample
  for (const [index, size] of hiddenSizes.entries()) {
    hidden = activate(model, linear(model, hidden, { name: `encoder.${index}`, size }), 'relu')
  }
  const latent = { size: latentSize, initial: xavierUniform }
  const mean = linear(model, hidden, { ...latent, name: 'mean' })
  const logVariance = linear(model, hidden, {
    ...latent,
    name: 'log-variance',
    initial: normal(LOG_VARIANCE_DEVIATION),
  })
  // z = μ + σ · ε      σ = e^(ln σ² / 2)
  const deviation = graph.emit('Exp', [graph.mul(logVariance, graph.scalar(0.5, logVariance))])
  const z = graph.add(mean, graph.mul(deviation, noise))
  const decoded = decode(model, z, settings)
  const loss = model.node(
    'Add',
    [
      reconstructionLoss(model, { sample, decoded, ...settings }),
      divergence(model, mean, logVariance),
    ],
    { output: 'loss' },
  )
  return model.finish([loss, expected(model, decoded, settings)])
}

/**
 * What generates: the decoder alone, with the parameters that have the same names in the whole.
 *
 * ONNX: `latent` float32 [batch, latentSize] → `reconstruction` float32 [batch, inputSize].
 */
export function buildVaeDecoder(settings: VaeSettings): Uint8Array {
  const model = new ModelBuilder({ name: 'vae-decoder', seed: settings.seed })
  const decoded = decode(model, model.input('latent', [settings.latentSize]), settings)
  return model.finish([expected(model, decoded, settings)])
}

/** Logits of a Bernoulli distribution, or the mean of a normal one. */
function decode(model: ModelBuilder, z: ValueName, settings: VaeSettings): ValueName {
  let x = z
  for (const [index, size] of settings.hiddenSizes.toReversed().entries()) {
    x = activate(model, linear(model, x, { name: `decoder.${index}`, size }), 'relu')
  }
  return linear(model, x, {
    name: 'output',
    size: settings.inputSize,
    initial: xavierUniform,
    output: 'decoded',
  })
}

function expected(model: ModelBuilder, decoded: ValueName, { likelihood }: VaeSettings): ValueName {
  const opType = likelihood === 'bernoulli' ? 'Sigmoid' : 'Identity'
  return model.node(opType, [decoded], { output: 'reconstruction' })
}

/**
 * −ln p(x | z), appendix C:
 *
 *   bernoulli   Σ softplus(a) − x · a        a: logits
 *   gaussian    Σ (x − a)² / 2               but for a constant
 */
function reconstructionLoss(
  model: ModelBuilder,
  given: VaeSettings & { readonly sample: ValueName; readonly decoded: ValueName },
): ValueName {
  const { graph } = model
  const { sample, decoded, likelihood } = given
  if (likelihood === 'bernoulli') {
    const softplus = graph.emit('Softplus', [decoded])
    return sumOfSample(model, graph.sub(softplus, graph.mul(sample, decoded)))
  }
  const error = graph.sub(sample, decoded)
  return sumOfSample(model, graph.mul(graph.mul(error, error), graph.scalar(0.5, error)))
}

/** KL(q(z | x) ‖ N(0, 1)) = ½ Σ μ² + σ² − 1 − ln σ² (appendix B). */
function divergence(model: ModelBuilder, mean: ValueName, logVariance: ValueName): ValueName {
  const { graph } = model
  const squares = graph.add(graph.mul(mean, mean), graph.emit('Exp', [logVariance]))
  const rest = graph.add(logVariance, graph.scalar(1, mean))
  const each = graph.sub(squares, rest)
  return sumOfSample(model, graph.mul(each, graph.scalar(0.5, mean)))
}

function sumOfSample(model: ModelBuilder, x: ValueName): ValueName {
  return model.graph.emit('ReduceSum', [x, model.graph.ints([1])], [attr.int('keepdims', 0)])
}
