import { z } from 'zod'
import type { ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { causalAttention, checkHeads, splitLast } from './attention.ts'
import { type InitialWeights, lecunNormal, scaled } from './initial-weights.ts'
import { layerNormalization, linear } from './layers.ts'
import { ModelBuilder } from './model-builder.ts'
import {
  contextTokens,
  headCount,
  layerCount,
  seed,
  vocabularySize,
  width,
} from './option-fields.ts'

export const gptSchema = z.strictObject({
  kind: z.literal('gpt'),
  vocabularySize: vocabularySize(),
  contextTokens: contextTokens(),
  width: width().default(128).describe('Of a token; a multiple of heads.'),
  layers: layerCount(),
  heads: headCount(),
  seed: seed(),
})

/** The inner layer is this many times as wide (Vaswani et al. 2017, section 3.3). */
const INNER_WIDTHS = 4

/**
 * The decoder of GPT-2 (Radford et al. 2019, section 2.3): normalization in front of each block,
 * learned positions, Gelu in its tanh form, the embedding also as last layer (Press and Wolf 2017).
 * First weights have a variance of 1 / inputs and not GPT-2's one deviation of 0.02, which is right for
 * its width: at a width of 48 nothing but the frequencies of bytes was learned with it in 150 steps.
 * int32 [batch, contextTokens] → logits of the next token at each place, float32 [batch,
 * contextTokens, vocabularySize].
 */
export function buildGpt(options: z.output<typeof gptSchema>): Uint8Array {
  const { vocabularySize, contextTokens, width, layers, heads, seed } = options
  checkHeads({ width, heads })
  const model = new ModelBuilder({ name: 'gpt', seed })
  const tokens = model.input('tokens', [contextTokens], ELEMENT.int32)
  const table = (name: string, rows: number) =>
    model.parameter(`${name}.weight`, [rows, width], lecunNormal, { fanIn: width, fanOut: rows })
  const embedding = table('embedding', vocabularySize)
  const positions = table('positions', contextTokens)
  let x = model.graph.add(model.node('Gather', [embedding, tokens]), positions)
  for (let layer = 0; layer < layers; layer++) {
    const name = `blocks.${layer}`
    // What the blocks add to one another keeps its scale, however many there are.
    const onto = scaled(lecunNormal, 1 / Math.sqrt(2 * layers))
    x = model.graph.add(x, attend(model, x, { name, heads, onto }))
    x = model.graph.add(x, feedForward(model, x, { name, onto }))
  }
  const last = layerNormalization(model, x, { name: 'norm' })
  const logits = model.node('MatMul', [last, model.graph.transpose(embedding, [1, 0])], {
    output: 'logits',
  })
  return model.finish([logits])
}

interface BlockOptions {
  readonly name: string
  readonly onto: InitialWeights
}

function attend(
  model: ModelBuilder,
  x: ValueName,
  { name, heads, onto }: BlockOptions & { readonly heads: number },
): ValueName {
  const [places = 0, width = 0] = model.sampleShape(x)
  const normed = layerNormalization(model, x, { name: `${name}.attention.norm` })
  const joint = linear(model, normed, {
    name: `${name}.attention.input`,
    size: 3 * width,
    initial: lecunNormal,
  })
  const [query = '', key = '', value = ''] = splitLast(model, joint, 3).map(part =>
    model.reshape(part, [places, heads, width / heads]),
  )
  const mixed = causalAttention(model, { query, key, value })
  return linear(model, mixed, { name: `${name}.attention.output`, size: width, initial: onto })
}

function feedForward(model: ModelBuilder, x: ValueName, { name, onto }: BlockOptions): ValueName {
  const [, width = 0] = model.sampleShape(x)
  const normed = layerNormalization(model, x, { name: `${name}.inner.norm` })
  const inner = linear(model, normed, {
    name: `${name}.inner.input`,
    size: INNER_WIDTHS * width,
    initial: lecunNormal,
  })
  const active = model.node('Gelu', [inner], { attributes: [attr.string('approximate', 'tanh')] })
  return linear(model, active, { name: `${name}.inner.output`, size: width, initial: onto })
}
