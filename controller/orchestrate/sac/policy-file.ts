import { GainnetError } from '../../../runtime/errors.ts'
import { decodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { TensorProto } from '../../../training/onnx/onnx-proto.ts'
import { float32Values } from '../../../training/onnx/tensor.ts'
import { ACTION_FEATURES } from '../action-features.ts'
import type { NetworkName } from './policy-networks.ts'
import { ScorerNetwork } from './scorer-network.ts'

/** The networks of a trained policy, ready to decide. */
export interface PolicyNetworks {
  readonly actor: ScorerNetwork
  readonly critics: readonly [ScorerNetwork, ScorerNetwork]
}

/** Reads what `gainnet policy train` wrote. */
export function readPolicyFile(bytes: Uint8Array): PolicyNetworks {
  const { graph } = decodeModel(bytes)
  const tensors = new Map(graph?.initializer.map(tensor => [tensor.name ?? '', tensor] as const))
  const network = (name: NetworkName): ScorerNetwork => readNetwork(tensors, name)
  return { actor: network('actor'), critics: [network('critic.0'), network('critic.1')] }
}

function readNetwork(tensors: ReadonlyMap<string, TensorProto>, name: NetworkName): ScorerNetwork {
  const features = ACTION_FEATURES.length
  const hidden = Number(tensors.get(`${name}.edge.0.bias`)?.dims[0] ?? 0)
  const read = (part: string, shape: readonly number[]): Float64Array =>
    valuesOf(tensors, `${name}.${part}`, shape)
  const layer = (part: string, inputs: number) => ({
    weight: read(`${part}.weight`, [inputs, hidden]),
    bias: read(`${part}.bias`, [hidden]),
  })
  return new ScorerNetwork({
    features,
    hidden,
    edge0: layer('edge.0', features),
    edge1: layer('edge.1', hidden),
    own: layer('own', hidden),
    mean: read('mean.weight', [hidden, hidden]),
    most: read('most.weight', [hidden, hidden]),
    score: read('score.weight', [hidden, 1]),
    prior: read('prior.weight', [features, 1]),
  })
}

function valuesOf(
  tensors: ReadonlyMap<string, TensorProto>,
  name: string,
  shape: readonly number[],
): Float64Array {
  const tensor = tensors.get(name)
  const dims = tensor?.dims.map(Number)
  if (tensor === undefined || dims?.join() !== shape.join()) {
    throw new GainnetError(
      'MODEL_INVALID',
      `this is no policy of this version: ${name} is ${dims ? `[${dims}]` : 'missing'}, not [${shape}]`,
      { name },
    )
  }
  const values = Float64Array.from(float32Values(tensor))
  if (values.every(Number.isFinite)) return values
  throw new GainnetError('MODEL_INVALID', `the policy's ${name} holds what is no number`, { name })
}
