import { z } from 'zod'
import type { ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { causalAttention, checkHeads, splitLast } from './attention.ts'
import {
  type Fans,
  filledWith,
  type InitialWeights,
  lecunNormal,
  scaled,
} from './initial-weights.ts'
import { ModelBuilder } from './model-builder.ts'
import {
  contextTokens,
  headCount,
  layerCount,
  seed,
  vocabularySize,
  width,
} from './option-fields.ts'

export const llamaSchema = z.strictObject({
  kind: z.literal('llama'),
  vocabularySize: vocabularySize(),
  contextTokens: contextTokens(),
  width: width().default(128).describe('Of a token; a multiple of twice the heads.'),
  hiddenWidth: width().default(344).describe('Of the feed-forward layers.'),
  layers: layerCount(),
  heads: headCount(),
  keyValueHeads: headCount().describe('Groups of heads that share keys and values.'),
  seed: seed(),
})

export type LlamaOptions = z.output<typeof llamaSchema>
/** What a file of weights says of itself. */
export type LlamaSizes = Omit<LlamaOptions, 'kind' | 'seed'>

/** Both as in the first Llama, and in llama2.c. */
const NORM_EPSILON = 1e-5
const ROTARY_BASE = 10_000

/** Names and shapes of the parameters, in the order of the file; those of layers with their place. */
export function llamaParameters(sizes: LlamaSizes): readonly {
  readonly name: string
  readonly shape: readonly number[]
}[] {
  const { vocabularySize, width, hiddenWidth, layers, heads, keyValueHeads } = sizes
  const keyWidth = (width / heads) * keyValueHeads
  const layer = Array.from({ length: layers }, (_, index) => `blocks.${index}`)
  return [
    { name: 'embedding.weight', shape: [vocabularySize, width] },
    ...layer.flatMap(name => [
      { name: `${name}.attention.norm.weight`, shape: [width] },
      { name: `${name}.attention.query.weight`, shape: [width, width] },
      { name: `${name}.attention.key.weight`, shape: [width, keyWidth] },
      { name: `${name}.attention.value.weight`, shape: [width, keyWidth] },
      { name: `${name}.attention.output.weight`, shape: [width, width] },
      { name: `${name}.inner.norm.weight`, shape: [width] },
      { name: `${name}.inner.gate.weight`, shape: [width, hiddenWidth] },
      { name: `${name}.inner.down.weight`, shape: [hiddenWidth, width] },
      { name: `${name}.inner.up.weight`, shape: [width, hiddenWidth] },
    ]),
    { name: 'norm.weight', shape: [width] },
  ]
}

/**
 * The decoder of Llama (Touvron et al. 2023, section 2.2): RMSNorm in front of each block (Zhang and
 * Sennrich 2019), rotary positions (Su et al. 2021), grouped queries (Ainslie et al. 2023), SwiGLU
 * (Shazeer 2020), no biases; the embedding is also the last layer, as in llama2.c's small models.
 * int32 [batch, contextTokens] → logits of the next token at each place, float32 [batch,
 * contextTokens, vocabularySize]. `weights` are what the parameters are, by name, in place of drawn ones.
 */
export function buildLlama(
  options: LlamaOptions,
  weights?: ReadonlyMap<string, Float32Array>,
): Uint8Array {
  const { contextTokens, width, layers, heads, keyValueHeads, seed } = options
  checkHeads({ width, heads, keyValueHeads, isRotary: true })
  const model = new ModelBuilder({ name: 'llama', seed })
  const tokens = model.input('tokens', [contextTokens], ELEMENT.int32)
  for (const { name, shape } of llamaParameters(options)) {
    model.parameter(name, shape, initialOf(name, options, weights), fansOf(name, shape))
  }
  const positions = rotaryTables(model, contextTokens, width / heads)
  let x = model.node('Gather', ['embedding.weight', tokens])
  for (let layer = 0; layer < layers; layer++) {
    const name = `blocks.${layer}`
    x = model.graph.add(x, attend(model, x, { name, heads, keyValueHeads, positions }))
    x = model.graph.add(x, feedForward(model, x, name))
  }
  const last = rmsNormalization(model, x, 'norm.weight')
  const logits = model.node('MatMul', [last, model.graph.transpose('embedding.weight', [1, 0])], {
    output: 'logits',
  })
  return model.finish([logits])
}

function initialOf(
  name: string,
  { layers }: LlamaSizes,
  weights: ReadonlyMap<string, Float32Array> | undefined,
): InitialWeights {
  const given = weights?.get(name)
  if (given) {
    let place = 0
    return () => () => given[place++] ?? Number.NaN
  }
  if (weights) throw new RangeError(`there are no weights for ${name}`)
  if (name.endsWith('norm.weight')) return filledWith(1)
  // What the blocks add to one another keeps its scale, however many there are.
  const isOnto = name.endsWith('.output.weight') || name.endsWith('.down.weight')
  return isOnto ? scaled(lecunNormal, 1 / Math.sqrt(2 * layers)) : lecunNormal
}

/** The embedding is used by rows, and turned as last layer. */
function fansOf(name: string, [rows = 1, columns = 1]: readonly number[]): Fans {
  const isTable = name === 'embedding.weight'
  return isTable ? { fanIn: columns, fanOut: rows } : { fanIn: rows, fanOut: columns }
}

/** x / √(mean x² + ε) · scale (Zhang and Sennrich 2019, equation 4). */
function rmsNormalization(model: ModelBuilder, x: ValueName, scale: string): ValueName {
  const { graph } = model
  const axis = graph.ints([-1])
  const mean = graph.emit('ReduceMean', [graph.mul(x, x), axis], [attr.int('keepdims', 1)])
  const root = graph.emit('Sqrt', [graph.add(mean, graph.scalar(NORM_EPSILON, mean))])
  return graph.mul(graph.div(x, root), scale)
}

interface RotaryTables {
  /** [places, 1, size / 2] */
  readonly cosines: ValueName
  readonly sines: ValueName
}

/** Angle of place p and pair i: p · base^(−2i / size) (Su et al. 2021, equation 15). */
function rotaryTables(model: ModelBuilder, places: number, size: number): RotaryTables {
  const half = size / 2
  const angles = Array.from({ length: places * half }, (_, index) => {
    const [place, pair] = [Math.floor(index / half), index % half]
    return place / ROTARY_BASE ** ((2 * pair) / size)
  })
  const shape = [places, 1, half]
  return {
    cosines: model.table(shape, angles.map(Math.cos)),
    sines: model.table(shape, angles.map(Math.sin)),
  }
}

/**
 * Turns each pair by the angle of its place (Su et al. 2021, equation 34). The pair of an element of
 * the first half is in the second half, at the same distance: two slices in place of a shuffle.
 */
function rotate(model: ModelBuilder, x: ValueName, { cosines, sines }: RotaryTables): ValueName {
  const { graph } = model
  const [left = '', right = ''] = splitLast(model, x, 2)
  const turned = [
    graph.sub(graph.mul(left, cosines), graph.mul(right, sines)),
    graph.add(graph.mul(right, cosines), graph.mul(left, sines)),
  ]
  return graph.emit('Concat', turned, [attr.int('axis', -1)])
}

function attend(
  model: ModelBuilder,
  x: ValueName,
  given: {
    readonly name: string
    readonly heads: number
    readonly keyValueHeads: number
    readonly positions: RotaryTables
  },
): ValueName {
  const { name, heads, keyValueHeads, positions } = given
  const [places = 0, width = 0] = model.sampleShape(x)
  const normed = rmsNormalization(model, x, `${name}.attention.norm.weight`)
  const project = (part: string, count: number) =>
    model.reshape(model.graph.matMul(normed, `${name}.attention.${part}.weight`), [
      places,
      count,
      width / heads,
    ])
  const mixed = causalAttention(model, {
    query: rotate(model, project('query', heads), positions),
    key: rotate(model, project('key', keyValueHeads), positions),
    value: project('value', keyValueHeads),
  })
  return model.graph.matMul(mixed, `${name}.attention.output.weight`)
}

/** (silu(x · gate) ⊙ x · up) · down (Shazeer 2020, equation 6). */
function feedForward(model: ModelBuilder, x: ValueName, name: string): ValueName {
  const { graph } = model
  const normed = rmsNormalization(model, x, `${name}.inner.norm.weight`)
  const gate = graph.matMul(normed, `${name}.inner.gate.weight`)
  const open = graph.mul(gate, graph.emit('Sigmoid', [gate]))
  const hidden = graph.mul(open, graph.matMul(normed, `${name}.inner.up.weight`))
  return graph.matMul(hidden, `${name}.inner.down.weight`)
}
