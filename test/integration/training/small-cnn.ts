import { seededRandom, standardNormal } from '../../../runtime/seeded-random.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { GraphProto, NodeProto, TensorProto } from '../../../training/onnx/onnx-proto.ts'
import { buildTensor, elementCount } from '../../../training/onnx/tensor.ts'

/** Blocks of Conv 3 × 3, ReLU and MaxPool 2 × 2, then a score a class. */
export function buildSmallCnn(options: {
  readonly size: number
  readonly channels: readonly number[]
  readonly classes: number
  readonly seed: number
}): { readonly bytes: Uint8Array; readonly graph: GraphProto } {
  const { size, channels, classes, seed } = options
  const random = seededRandom(seed)
  const initializer: TensorProto[] = []
  /** Variance 2 / inputs keeps the scale of what ReLU lets through (He et al. 2015). */
  const weights = (name: string, shape: readonly number[]) => {
    const deviation = Math.sqrt(2 / elementCount(shape.slice(1)))
    const values = Array.from(
      { length: elementCount(shape) },
      () => deviation * standardNormal(random),
    )
    initializer.push(
      buildTensor({ name: `${name}.weight`, type: ELEMENT.float, shape, values }),
      buildTensor({
        name: `${name}.bias`,
        type: ELEMENT.float,
        shape: shape.slice(0, 1),
        values: new Float32Array(shape[0] ?? 0),
      }),
    )
    return [`${name}.weight`, `${name}.bias`]
  }
  const node: NodeProto[] = []
  const add = (
    opType: string,
    inputs: readonly string[],
    output: string,
    attributes: NodeProto['attribute'] = [],
  ) => node.push(buildNode({ opType, inputs, outputs: [output], attributes }))
  let [from, depth, width] = ['image', 1, size]
  for (const [index, count] of channels.entries()) {
    const parameters = weights(`conv.${index}`, [count, depth, 3, 3])
    add('Conv', [from, ...parameters], `conv.${index}`, [attr.ints('pads', [1, 1, 1, 1])])
    add('Relu', [`conv.${index}`], `relu.${index}`)
    add('MaxPool', [`relu.${index}`], `pool.${index}`, [
      attr.ints('kernel_shape', [2, 2]),
      attr.ints('strides', [2, 2]),
    ])
    ;[from, depth, width] = [`pool.${index}`, count, Math.floor(width / 2)]
  }
  add('Flatten', [from], 'features')
  const output = weights('output', [classes, depth * width * width])
  add('Gemm', ['features', ...output], 'logits', [attr.int('transB', 1)])
  const graph = {
    node,
    name: 'small-cnn',
    initializer,
    input: [buildValueInfo('image', ELEMENT.float, ['batch', 1, size, size])],
    output: [buildValueInfo('logits', ELEMENT.float, ['batch', classes])],
    valueInfo: [],
  }
  return { bytes: encodeModel(buildModel({ opset: OPSET_MAX, graph })), graph }
}
