import { ELEMENT } from '../onnx/element-type.ts'
import { lecunNormal, normal } from './initial-weights.ts'
import { linear } from './layers.ts'
import { ModelBuilder } from './model-builder.ts'

/** Every byte is a word of the vocabulary. */
export const BYTE_COUNT = 256

/**
 * The neural probabilistic language model of Bengio et al. 2003 (JMLR 3, equation 1, without the
 * direct connections), over bytes instead of words: the embeddings of the last bytes side by side,
 * hidden tanh layers, a score for each possible next byte.
 *
 * ONNX: `context` int32 [batch, contextBytes] → `logits` float32 [batch, 256].
 */
export function buildByteLanguageModel(options: {
  readonly contextBytes: number
  readonly embeddingSize: number
  readonly hiddenSizes: readonly number[]
  readonly seed: number
}): Uint8Array {
  const { contextBytes, embeddingSize, hiddenSizes, seed } = options
  const model = new ModelBuilder({ name: 'byte-language-model', seed })
  const context = model.input('context', [contextBytes], ELEMENT.int32)
  const embedding = model.parameter('embedding', [BYTE_COUNT, embeddingSize], normal(1))
  const embedded = model.node('Gather', [embedding, context], { output: 'embedded' })
  let features = model.node('Flatten', [embedded], { output: 'features' })
  for (const [index, size] of hiddenSizes.entries()) {
    const name = `hidden.${index}`
    const sum = linear(model, features, { name, size, initial: lecunNormal, output: `${name}.sum` })
    features = model.node('Tanh', [sum], { output: name })
  }
  const logits = { name: 'output', size: BYTE_COUNT, initial: lecunNormal, output: 'logits' }
  return model.finish([linear(model, features, logits)])
}
