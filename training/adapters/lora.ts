import { z } from 'zod'
import { buildNode } from '../onnx/build.ts'
import { encodeModel } from '../onnx/onnx-codec.ts'
import type { GraphProto, ModelProto } from '../onnx/onnx-proto.ts'
import {
  type AdaptedModel,
  constantScalar,
  drawTensor,
  insertBehind,
  unadapted,
  withNodes,
} from './graph-rewrite.ts'
import { findLoraSites, type LoraSite } from './lora-sites.ts'

export const loraSchema = z.strictObject({
  kind: z.literal('lora'),
  /** Names or patterns of weights. */
  match: z.array(z.string().min(1)).min(1).readonly(),
  rank: z.int().positive(),
  /** How much the product of the two counts, over the rank. */
  alpha: z.number().positive(),
  seed: z.int().default(1),
})

/** The key in metadata_props that says what was built in, for merging it. */
export const LORA_KEY = 'gainnet.lora'

export const loraRecordsSchema = z.array(
  z.strictObject({
    weight: z.string(),
    a: z.string(),
    b: z.string(),
    scale: z.string(),
    /** α / rank, less what the node itself multiplies by. */
    factor: z.number(),
    isTransposed: z.boolean(),
    /** What its nodes make. */
    values: z.array(z.string()),
  }),
)

type LoraRecord = z.output<typeof loraRecordsSchema>[number]

/**
 * LoRA (Hu et al. 2021, section 4.1), W of [inputs, outputs] as the right factor:
 *
 *   y = x · W + α / r · (x · A) · B      A [inputs, r] normal, B [r, outputs] zero
 *
 * The paper writes the transposes of all of them. At first y is that of the model, exactly.
 */
export function addLora(
  proto: ModelProto & { readonly graph: GraphProto },
  { match, rank, alpha, seed }: z.output<typeof loraSchema>,
): AdaptedModel {
  const sites = findLoraSites(proto.graph, match)
  const records = sites.map(site => recordOf(site, alpha / rank))
  const added = sites.flatMap(({ inputSize, outputSize }, index) => {
    const { a = '', b = '', scale = '' } = records[index] ?? {}
    // Variance 1 / inputs keeps the scale of x in x · A.
    const deviation = 1 / Math.sqrt(inputSize)
    return [
      drawTensor(a, [inputSize, rank], { deviation, seed: seed + index }),
      drawTensor(b, [rank, outputSize], { deviation: 0, seed }),
      constantScalar(scale, alpha / rank),
    ]
  })
  const paths = sites.flatMap(({ nodes: products }, index) => {
    const record = records[index]
    return products.flatMap(({ input: [x = ''], output: [y = ''] }) =>
      record ? [{ y, path: pathOf(record, x, y) }] : [],
    )
  })
  const nodes = paths.reduce((made, { y, path }) => insertBehind(made, y, path), proto.graph.node)
  const adapted = withNodes(proto, nodes, added)
  const earlier = readLoraRecords(proto)
  const others = proto.metadataProps.filter(({ key }) => key !== LORA_KEY)
  const record = { key: LORA_KEY, value: JSON.stringify([...earlier, ...records]) }
  return {
    bytes: encodeModel({ ...adapted, metadataProps: [...others, record] }),
    trainable: records.flatMap(({ a, b }) => [a, b]),
  }
}

/** What the model says of the LoRA in it. */
export function readLoraRecords(proto: Pick<ModelProto, 'metadataProps'>): readonly LoraRecord[] {
  const entry = proto.metadataProps.find(({ key }) => key === LORA_KEY)
  return entry?.value ? loraRecordsSchema.parse(JSON.parse(entry.value)) : []
}

function recordOf({ weight, isTransposed, factor, nodes }: LoraSite, scale: number): LoraRecord {
  const { name = '' } = weight
  return {
    weight: name,
    a: `${name}.lora.a`,
    b: `${name}.lora.b`,
    scale: `${name}.lora.scale`,
    factor: scale / factor,
    isTransposed,
    values: nodes.map(({ output: [value = ''] }) => value),
  }
}

/** The scale goes onto the narrow value in the middle. */
function pathOf({ a, b, scale }: LoraRecord, x: string, y: string) {
  const [narrow, scaled, change] = [`${y}.lora.narrow`, `${y}.lora.scaled`, `${y}.lora.change`]
  return [
    buildNode({ opType: 'MatMul', inputs: [x, a], outputs: [narrow] }),
    buildNode({ opType: 'Mul', inputs: [narrow, scale], outputs: [scaled] }),
    buildNode({ opType: 'MatMul', inputs: [scaled, b], outputs: [change] }),
    buildNode({
      ...{ opType: 'Add', inputs: [unadapted(y), change], outputs: [y] },
      name: `${y}.lora.sum`,
    }),
  ]
}
