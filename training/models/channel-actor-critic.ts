import { attr } from '../onnx/attribute.ts'
import { channelNetwork, swapChannels } from './channel-network.ts'
import { ModelBuilder } from './model-builder.ts'

export interface ChannelActorCriticSizes {
  readonly channels: number
  readonly hidden: number
  readonly layers: number
  readonly seed: number
}

/** So small that a policy begins as the even allocation, and with a deviation of 1 (CleanRL: 0.01). */
const ACTOR_OUTPUT_SCALE = 0.01

/**
 * Actor and critics for soft actor-critic over channels: the networks that the denoiser of channels
 * has, so that the two are compared by how they learn and not by what they can express.
 *
 * ONNX, actor: `observation` float32 [batch, channels] → `distribution` float32 [batch, 2 · channels].
 * Critic: `observation` and `action` float32 [batch, channels] → `value` float32 [batch, 1].
 */
export function buildChannelActorCritic(sizes: ChannelActorCriticSizes): {
  readonly actor: Uint8Array
  readonly critics: readonly [Uint8Array, Uint8Array]
} {
  const critic = (offset: number) => buildCritic({ ...sizes, seed: sizes.seed + offset })
  return { actor: buildActor(sizes), critics: [critic(1), critic(2)] }
}

function buildActor({ channels, hidden, layers, seed }: ChannelActorCriticSizes): Uint8Array {
  const model = new ModelBuilder({ name: 'channel-actor', seed })
  const observation = model.reshape(model.input('observation', [channels]), [channels, 1])
  const outputScale = ACTOR_OUTPUT_SCALE
  const network = channelNetwork(model, { features: 1, outputs: 2, hidden, layers, outputScale })
  // Channels, rows, mean and deviation: all means of a row come first.
  const told = model.graph.transpose(network(swapChannels(model, observation)), [1, 2, 0])
  const flat = model.reshape(told, [2 * channels])
  return model.finish([model.node('Identity', [flat], { output: 'distribution' })])
}

function buildCritic({ channels, hidden, layers, seed }: ChannelActorCriticSizes): Uint8Array {
  const model = new ModelBuilder({ name: 'channel-critic', seed })
  const { graph } = model
  const inputs = ['observation', 'action'].map(name =>
    model.reshape(model.input(name, [channels]), [channels, 1]),
  )
  const joined = graph.emit('Concat', inputs, [attr.int('axis', 2)])
  const network = channelNetwork(model, { features: 2, outputs: 1, hidden, layers })
  const values = network(swapChannels(model, joined))
  const value = graph.emit('ReduceMean', [values, graph.ints([0])], [attr.int('keepdims', 0)])
  return model.finish([model.node('Identity', [value], { output: 'value' })])
}
