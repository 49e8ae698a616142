import { seededRandom, standardNormal } from '../runtime/seeded-random.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from './onnx/build.ts'
import { ELEMENT } from './onnx/element-type.ts'
import { encodeModel } from './onnx/onnx-codec.ts'
import type { NodeProto, TensorProto } from './onnx/onnx-proto.ts'
import { buildTensor, elementCount } from './onnx/tensor.ts'

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
  const random = seededRandom(seed)
  const weights = (name: string, shape: readonly number[], deviation: number) =>
    buildTensor({
      name,
      type: ELEMENT.float,
      shape,
      values: Float32Array.from(
        { length: elementCount(shape) },
        () => deviation * standardNormal(random),
      ),
    })
  const initializer: TensorProto[] = [weights('embedding', [BYTE_COUNT, embeddingSize], 1)]
  const node: NodeProto[] = [
    buildNode({ opType: 'Gather', inputs: ['embedding', 'context'], outputs: ['embedded'] }),
    buildNode({ opType: 'Flatten', inputs: ['embedded'], outputs: ['features'] }),
  ]
  let [from, inputSize] = ['features', contextBytes * embeddingSize]
  const sizes = [...hiddenSizes, BYTE_COUNT]
  for (const [index, size] of sizes.entries()) {
    const isLast = index === sizes.length - 1
    const layer = isLast ? 'output' : `hidden.${index}`
    const bias = new Float32Array(size)
    initializer.push(
      // Variance 1 / inputs keeps the scale of the signal from layer to layer (LeCun et al. 1998).
      weights(`${layer}.weight`, [inputSize, size], 1 / Math.sqrt(inputSize)),
      buildTensor({ name: `${layer}.bias`, type: ELEMENT.float, shape: [size], values: bias }),
    )
    const sum = isLast ? 'logits' : `${layer}.sum`
    node.push(
      buildNode({
        opType: 'Gemm',
        inputs: [from, `${layer}.weight`, `${layer}.bias`],
        outputs: [sum],
      }),
    )
    if (!isLast) node.push(buildNode({ opType: 'Tanh', inputs: [sum], outputs: [layer] }))
    from = layer
    inputSize = size
  }
  return encodeModel(
    buildModel({
      opset: OPSET_MAX,
      graph: {
        node,
        name: 'byte-language-model',
        initializer,
        input: [buildValueInfo('context', ELEMENT.int32, ['batch', contextBytes])],
        output: [buildValueInfo('logits', ELEMENT.float, ['batch', BYTE_COUNT])],
        valueInfo: [],
      },
    }),
  )
}
