import { seededRandom, standardNormal } from '../../../runtime/seeded-random.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { NodeProto } from '../../../training/onnx/onnx-proto.ts'
import { buildTensor, elementCount } from '../../../training/onnx/tensor.ts'

/** Words of a sample, ids of words, and numbers of an embedding. */
export const LENGTH = 5
export const WORDS = 11
const WIDTH = 4

const node = (
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes: NodeProto['attribute'] = [],
) => buildNode({ opType, inputs, outputs: [output], attributes })

const swap = [attr.ints('perm', [0, 2, 1])]

/** One attention over the words, and a score for each word from the sum of what it gives. */
export function buildSmallAttention(seed: number): Uint8Array {
  const random = seededRandom(seed)
  const normal = (name: string, shape: readonly number[]) =>
    buildTensor({
      name,
      type: ELEMENT.float,
      shape,
      values: Float32Array.from(
        { length: elementCount(shape) },
        () => 0.5 * standardNormal(random),
      ),
    })
  return encodeModel(
    buildModel({
      opset: OPSET_MAX,
      graph: {
        name: 'attention',
        node: [
          node('Gather', ['embedding', 'words'], 'embedded'),
          node('MatMul', ['embedded', 'query.weight'], 'query'),
          node('MatMul', ['embedded', 'key.weight'], 'key'),
          node('MatMul', ['embedded', 'value.weight'], 'value'),
          node('Transpose', ['key'], 'columns', swap),
          node('MatMul', ['query', 'columns'], 'scores'),
          node('Softmax', ['scores'], 'shares', [attr.int('axis', -1)]),
          node('MatMul', ['shares', 'value'], 'seen'),
          node('Add', ['embedded', 'seen'], 'hidden'),
          node('ReduceMean', ['hidden', 'axes'], 'mean', [attr.int('keepdims', 0)]),
          node('Gemm', ['mean', 'output.weight', 'output.bias'], 'logits', [
            attr.int('transB', 1),
            attr.float('alpha', 2),
          ]),
        ],
        initializer: [
          normal('embedding', [WORDS, WIDTH]),
          ...['query', 'key', 'value'].map(name => normal(`${name}.weight`, [WIDTH, WIDTH])),
          normal('output.weight', [WORDS, WIDTH]),
          normal('output.bias', [WORDS]),
          buildTensor({ name: 'axes', type: ELEMENT.int64, shape: [1], values: [1] }),
        ],
        input: [buildValueInfo('words', ELEMENT.int64, ['batch', LENGTH])],
        output: [buildValueInfo('logits', ELEMENT.float, ['batch', WORDS])],
        valueInfo: [],
      },
    }),
  )
}
