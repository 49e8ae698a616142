import { z } from 'zod'
import { GainnetError } from '../../runtime/errors.ts'
import { buildNode } from '../onnx/build.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { encodeModel } from '../onnx/onnx-codec.ts'
import type { GraphProto, ModelProto, NodeProto } from '../onnx/onnx-proto.ts'
import { chooseValues } from './choose-values.ts'
import {
  type AdaptedModel,
  drawTensor,
  insertBehind,
  unadapted,
  valueTypes,
  withNodes,
} from './graph-rewrite.ts'

export const bottleneckSchema = z.strictObject({
  kind: z.literal('bottleneck'),
  /** Names or patterns of values that nodes make. */
  match: z.array(z.string().min(1)).min(1).readonly(),
  /** Of the narrow layer. */
  size: z.int().positive(),
  activation: z.enum(['relu', 'tanh']).default('relu'),
  seed: z.int().default(1),
})

const OPERATOR = { relu: 'Relu', tanh: 'Tanh' } as const

/**
 * Bottleneck adapters (Houlsby et al. 2019, section 2.1) over the last axis of a value v:
 *
 *   v + f(v · D + d) · U + u      D [width, size] normal, U [size, width], d and u zero
 *
 * At first the sum is v, exactly.
 */
export function addBottlenecks(
  proto: ModelProto & { readonly graph: GraphProto },
  { match, size, activation, seed }: z.output<typeof bottleneckSchema>,
): AdaptedModel {
  const { types } = valueTypes(encodeModel(proto), proto)
  const sites = chooseValues(types, match).map(value => ({ value, width: widthOf(types, value) }))
  let nodes: readonly NodeProto[] = proto.graph.node
  for (const { value } of sites) nodes = insertBehind(nodes, value, layersOf(value, activation))
  const added = sites.flatMap(({ value, width }, index) => {
    const { down, downBias, up, upBias } = namesOf(value)
    const zero = { deviation: 0, seed }
    return [
      drawTensor(down, [width, size], { deviation: 1 / Math.sqrt(width), seed: seed + index }),
      drawTensor(downBias, [size], zero),
      drawTensor(up, [size, width], zero),
      drawTensor(upBias, [width], zero),
    ]
  })
  return {
    bytes: encodeModel(withNodes(proto, nodes, added)),
    trainable: added.map(({ name = '' }) => name),
  }
}

function widthOf(types: ReturnType<typeof valueTypes>['types'], value: string): number {
  const type = types.get(value)
  const width = type?.shape.at(-1)
  if (type?.elementType === ELEMENT.float && width && type.shape.length > 1) return width
  throw new GainnetError(
    'MODEL_INVALID',
    `${value} has no adapter: it is no float32 value of [batch, …, width]`,
    { value },
  )
}

function namesOf(value: string) {
  return {
    down: `${value}.adapter.down.weight`,
    downBias: `${value}.adapter.down.bias`,
    up: `${value}.adapter.up.weight`,
    upBias: `${value}.adapter.up.bias`,
  }
}

function layersOf(value: string, activation: keyof typeof OPERATOR): readonly NodeProto[] {
  const { down, downBias, up, upBias } = namesOf(value)
  const inner = (name: string) => `${value}.adapter.${name}`
  const node = (opType: string, inputs: readonly string[], output: string) =>
    buildNode({ opType, inputs, outputs: [output], name: output === value ? inner('sum') : output })
  return [
    node('MatMul', [unadapted(value), down], inner('narrow')),
    node('Add', [inner('narrow'), downBias], inner('shifted')),
    node(OPERATOR[activation], [inner('shifted')], inner('bent')),
    node('MatMul', [inner('bent'), up], inner('wide')),
    node('Add', [inner('wide'), upBias], inner('change')),
    node('Add', [unadapted(value), inner('change')], value),
  ]
}
