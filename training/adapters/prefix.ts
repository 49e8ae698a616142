import { z } from 'zod'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { attr } from '../onnx/attribute.ts'
import { buildNode } from '../onnx/build.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { encodeModel } from '../onnx/onnx-codec.ts'
import type { GraphProto, ModelProto, NodeProto, TensorProto } from '../onnx/onnx-proto.ts'
import { buildTensor } from '../onnx/tensor.ts'
import { sameShape, type TensorType } from '../types/type-rule.ts'
import { chooseValues } from './choose-values.ts'
import {
  type AdaptedModel,
  drawTensor,
  insertBehind,
  unadapted,
  valueTypes,
  withNodes,
} from './graph-rewrite.ts'

export const prefixSchema = z.strictObject({
  kind: z.literal('prefix'),
  /** Names or patterns of values of [batch, …, sequence, width]. */
  match: z.array(z.string().min(1)).min(1).readonly(),
  /** Vectors in front of each sequence. */
  length: z.int().positive(),
  /** Where the places of the prefix are taken off again; nowhere where left out. */
  until: z.array(z.string().min(1)).readonly().default([]),
  /** Of the vectors at first. */
  deviation: z.number().nonnegative().default(0.02),
  seed: z.int().default(1),
})

type PrefixSettings = z.output<typeof prefixSchema>

/**
 * Trained vectors in front of a sequence: before the keys and the values of each attention this is
 * prefix tuning (Li and Liang 2021, section 4), before the embedded tokens prompt tuning (Lester et
 * al. 2021). The sequence is one longer by each vector from there on, up to where attention sums it
 * up or `until` cuts it; a graph that knows how long it was, in a mask, say, does not permit that.
 */
export function addPrefix(
  proto: ModelProto & { readonly graph: GraphProto },
  settings: PrefixSettings,
): AdaptedModel {
  const { match, until, length, deviation, seed } = settings
  const { types, batch } = valueTypes(encodeModel(proto), proto)
  const starts = chooseValues(types, match).map(value => shapeOf(types, value))
  const ends = chooseValues(types, until)
  let nodes: readonly NodeProto[] = proto.graph.node
  for (const { value, shape } of starts) {
    nodes = insertBehind(nodes, value, prependNodes(value, shape.length - 2))
  }
  for (const value of ends) nodes = insertBehind(nodes, value, [cutNode(value)])
  const prefixes = starts.map(({ value, shape }, index) => {
    const prefixShape = [...shape.slice(1, -2), length, shape.at(-1) ?? 0]
    return drawTensor(`${value}.prefix`, [1, ...prefixShape], { deviation, seed: seed + index })
  })
  const constants = prefixes.flatMap(({ name = '', dims }) => [
    ints(`${name}.first`, [0]),
    ints(`${name}.sizes`, dims.slice(1)),
  ])
  const added = [...prefixes, ...constants, ...ends.flatMap(value => cutTensors(value, length))]
  // Types that the file states may no longer hold where sequences are longer.
  const unstated = { ...proto, graph: { ...proto.graph, valueInfo: [] } }
  const adapted = withNodes(unstated, nodes, added)
  const bytes = encodeModel(adapted)
  checkShapes(bytes, { proto: adapted, types, batch })
  return { bytes, trainable: prefixes.map(({ name = '' }) => name) }
}

function shapeOf(types: ReadonlyMap<string, TensorType>, value: string) {
  const { elementType, shape = [] } = types.get(value) ?? {}
  if (elementType === ELEMENT.float && shape.length > 2) return { value, shape }
  throw new GainnetError(
    'MODEL_INVALID',
    `${value} has no prefix: it is no float32 value of [batch, …, sequence, width]`,
    { value },
  )
}

/** The vectors are stretched over the batch, whose size only the value itself knows. */
function prependNodes(value: string, axis: number): readonly NodeProto[] {
  const inner = (name: string) => `${value}.prefix.${name}`
  const node = (opType: string, inputs: readonly string[], output: string, axes?: number) =>
    buildNode({
      opType,
      inputs,
      outputs: [output],
      name: output === value ? inner('joined') : output,
      attributes: axes === undefined ? [] : [attr.int('axis', axes)],
    })
  return [
    node('Shape', [unadapted(value)], inner('shape')),
    node('Gather', [inner('shape'), inner('first')], inner('batch'), 0),
    node('Concat', [inner('batch'), inner('sizes')], inner('target'), 0),
    node('Expand', [`${value}.prefix`, inner('target')], inner('rows')),
    node('Concat', [inner('rows'), unadapted(value)], value, axis),
  ]
}

const CUT = ['starts', 'ends', 'axes'] as const

function cutNode(value: string): NodeProto {
  return buildNode({
    opType: 'Slice',
    inputs: [unadapted(value), ...CUT.map(name => `${value}.cut.${name}`)],
    outputs: [value],
    name: `${value}.cut`,
  })
}

function ints(name: string, values: readonly number[]): TensorProto {
  return buildTensor({ name, type: ELEMENT.int64, shape: [values.length], values })
}

/** All of the sequence behind the prefix, on the last axis but one. */
function cutTensors(value: string, length: number): readonly TensorProto[] {
  const values = { starts: length, ends: Number.MAX_SAFE_INTEGER, axes: -2 }
  return CUT.map(name => ints(`${value}.cut.${name}`, [values[name]]))
}

/** The rest of the graph must go along with longer sequences, and the outputs be as they were. */
function checkShapes(
  bytes: Uint8Array,
  before: {
    readonly proto: { readonly graph: GraphProto }
    readonly types: ReadonlyMap<string, TensorType>
    readonly batch: number
  },
): void {
  const refuse = (why: string, cause?: unknown): never => {
    const message = `the graph does not permit a prefix there: ${why}`
    throw new GainnetError('MODEL_INVALID', message, {}, { cause })
  }
  const after = () => {
    try {
      return valueTypes(bytes, before.proto).types
    } catch (error) {
      return refuse(messageOf(error), error)
    }
  }
  const types = after()
  for (const { name = '' } of before.proto.graph.output) {
    const [was = [], is = []] = [before.types.get(name)?.shape, types.get(name)?.shape]
    if (!sameShape(was, is)) {
      refuse(`the output ${name} was [${was}] and would be [${is}]: name where it ends with until`)
    }
  }
}
