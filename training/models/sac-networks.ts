import { z } from 'zod'
import type { ValueName } from '../graph/graph-emitter.ts'
import { heNormal, xavierUniform } from './initial-weights.ts'
import { activate, linear } from './layers.ts'
import { ModelBuilder } from './model-builder.ts'
import { seed, width, widths } from './option-fields.ts'

const networkOptions = {
  observationSize: width().describe('Numbers of an observation.'),
  actionSize: width().describe('Numbers of an action, each in (−1, 1).'),
  hiddenSizes: widths().default([256, 256]).describe('Width of each hidden layer.'),
  seed: seed(),
}

export const sacActorSchema = z.strictObject({ kind: z.literal('sac-actor'), ...networkOptions })
export const sacCriticSchema = z.strictObject({ kind: z.literal('sac-critic'), ...networkOptions })

/**
 * The policy of soft actor-critic (Haarnoja et al. 2018b, appendix C and table 1): what it tells is the
 * normal distribution of an action before its tanh.
 *
 * ONNX: `observation` float32 [batch, observationSize] → `distribution` float32 [batch, 2 · actionSize],
 * means and then log deviations.
 */
export function buildSacActor(options: z.output<typeof sacActorSchema>): Uint8Array {
  const { observationSize, actionSize, hiddenSizes, seed } = options
  const model = new ModelBuilder({ name: 'sac-actor', seed })
  const observation = model.input('observation', [observationSize])
  const hidden = perceptron(model, observation, hiddenSizes)
  const output = { name: 'output', size: 2 * actionSize, output: 'distribution' }
  return model.finish([linear(model, hidden, { ...output, initial: xavierUniform })])
}

/**
 * One of the two critics: the soft value of an action. Its first layer has weights of their own for
 * observation and action, which is the layer over both side by side; so a gradient that only the action
 * is asked for is a product with a few columns.
 *
 * ONNX: `observation` float32 [batch, observationSize], `action` float32 [batch, actionSize] → `value`
 * float32 [batch, 1].
 */
export function buildSacCritic(options: z.output<typeof sacCriticSchema>): Uint8Array {
  const { observationSize, actionSize, hiddenSizes, seed } = options
  const model = new ModelBuilder({ name: 'sac-critic', seed })
  const observation = model.input('observation', [observationSize])
  const action = model.input('action', [actionSize])
  const [firstSize = 1, ...sizes] = hiddenSizes
  const fans = { fanIn: observationSize + actionSize, fanOut: firstSize }
  const weight = (part: string, size: number) =>
    model.parameter(`hidden.0.${part}.weight`, [size, firstSize], heNormal, fans)
  const ofObservation = [observation, weight('observation', observationSize)]
  const ofAction = [action, weight('action', actionSize)]
  const bias = model.parameter('hidden.0.bias', [firstSize])
  const sum = model.node('Gemm', [...ofObservation, bias])
  const first = activate(model, model.node('Gemm', [...ofAction, sum]), 'relu')
  const hidden = perceptron(model, first, sizes, 1)
  const output = { name: 'output', size: 1, output: 'value' }
  return model.finish([linear(model, hidden, { ...output, initial: xavierUniform })])
}

/** An actor and two critics that begin as different as their seeds. */
export function buildSacNetworks(options: Omit<z.input<typeof sacActorSchema>, 'kind'>): {
  readonly actor: Uint8Array
  readonly critics: readonly [Uint8Array, Uint8Array]
} {
  const actor = sacActorSchema.parse({ kind: 'sac-actor', ...options })
  const critic = (offset: number) =>
    buildSacCritic(
      sacCriticSchema.parse({ kind: 'sac-critic', ...options, seed: actor.seed + offset }),
    )
  return { actor: buildSacActor(actor), critics: [critic(1), critic(2)] }
}

function perceptron(
  model: ModelBuilder,
  x: ValueName,
  sizes: readonly number[],
  layersBefore = 0,
): ValueName {
  return sizes.reduce((from, size, index) => {
    const name = `hidden.${layersBefore + index}`
    return activate(model, linear(model, from, { name, size, initial: heNormal }), 'relu')
  }, x)
}
