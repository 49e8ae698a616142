import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from '../../../../runtime/seeded-random.ts'
import { attr } from '../../../../training/onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo } from '../../../../training/onnx/build.ts'
import { ELEMENT } from '../../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../../training/onnx/onnx-codec.ts'
import type {
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from '../../../../training/onnx/onnx-proto.ts'
import { buildTensor, elementCount } from '../../../../training/onnx/tensor.ts'

/** Writes an ONNX file and returns its path. */
export function writeModel(
  folder: string,
  name: string,
  given: {
    readonly nodes: readonly NodeProto[]
    readonly inputs: readonly ValueInfoProto[]
    readonly outputs: readonly ValueInfoProto[]
    readonly initializers: readonly TensorProto[]
  },
): string {
  const { nodes: node, inputs: input, outputs: output, initializers: initializer } = given
  const graph = { node, name, initializer, input, output, valueInfo: [] }
  const file = join(folder, `${name}.onnx`)
  writeFileSync(file, encodeModel(buildModel({ graph, opset: 17 })))
  return file
}

/** A parameter of seeded numbers around 0. */
export function weights(name: string, shape: readonly number[], seed: number): TensorProto {
  const random = seededRandom(seed)
  const values = Array.from({ length: elementCount(shape) }, () => random() - 0.5)
  return buildTensor({ name, type: ELEMENT.float, shape, values })
}

/** features [batch, 3] → Gemm → Relu → Gemm → logits [batch, 3]. */
export function writeClassifier(folder: string): string {
  return writeModel(folder, 'classifier', {
    nodes: [
      buildNode({ opType: 'Gemm', inputs: ['features', 'w1', 'b1'], outputs: ['h'] }),
      buildNode({ opType: 'Relu', inputs: ['h'], outputs: ['r'] }),
      buildNode({ opType: 'Gemm', inputs: ['r', 'w2', 'b2'], outputs: ['logits'] }),
    ],
    inputs: [buildValueInfo('features', ELEMENT.float, ['batch', 3])],
    outputs: [buildValueInfo('logits', ELEMENT.float, ['batch', 3])],
    initializers: [
      weights('w1', [3, 8], 1),
      weights('b1', [8], 2),
      weights('w2', [8, 3], 3),
      weights('b2', [3], 4),
    ],
  })
}

/**
 * Two inputs, two outputs, an open length: ids look up an embedding of 11 rows, which is mixed with
 * numbers; one output is a softmax, the other a sum that depends on nothing but the embedding.
 */
export function writeTwoHeads(folder: string): string {
  return writeModel(folder, 'two-heads', {
    nodes: [
      buildNode({ opType: 'Gather', inputs: ['table', 'ids'], outputs: ['rows'] }),
      buildNode({ opType: 'Add', inputs: ['rows', 'numbers'], outputs: ['mixed'] }),
      buildNode({ opType: 'MatMul', inputs: ['mixed', 'w'], outputs: ['scores'] }),
      buildNode({ opType: 'Erf', inputs: ['scores'], outputs: ['bent'] }),
      buildNode({
        opType: 'Softmax',
        inputs: ['bent'],
        outputs: ['shares'],
        attributes: [attr.int('axis', -1)],
      }),
      buildNode({
        opType: 'ReduceMean',
        inputs: ['rows'],
        outputs: ['mean'],
        attributes: [attr.ints('axes', [1])],
      }),
    ],
    inputs: [
      buildValueInfo('ids', ELEMENT.int64, ['batch', 'length']),
      buildValueInfo('numbers', ELEMENT.float, ['batch', 'length', 4]),
    ],
    outputs: [
      buildValueInfo('shares', ELEMENT.float, ['batch', 'length', 5]),
      buildValueInfo('mean', ELEMENT.float, ['batch', 1, 4]),
    ],
    initializers: [weights('table', [11, 4], 5), weights('w', [4, 5], 6)],
  })
}

/** features [batch, 3] → Gemm → an operator that has no gradient rule. */
export function writeWithoutRule(folder: string): string {
  return writeModel(folder, 'without-rule', {
    nodes: [
      buildNode({ opType: 'MatMul', inputs: ['features', 'w'], outputs: ['h'] }),
      buildNode({ opType: 'Det', inputs: ['h'], outputs: ['y'], name: 'volume' }),
    ],
    inputs: [buildValueInfo('features', ELEMENT.float, [2, 3, 3])],
    outputs: [buildValueInfo('y', ELEMENT.float, [2])],
    initializers: [weights('w', [3, 3], 7)],
  })
}

/** Three classes around three places, as a CSV file with a column of words. */
export function writeCsv(folder: string, rows = 240): string {
  const random = seededRandom(8)
  const names = ['ash', 'birch', 'cedar']
  const lines = Array.from({ length: rows }, (_, index) => {
    const kind = index % 3
    const near = () => ((kind - 1) * 2 + random()).toFixed(4)
    return `${near()},${near()},${random().toFixed(4)},${names[kind]}`
  })
  const file = join(folder, 'trees.csv')
  writeFileSync(file, `x,y,noise,kind\n${lines.join('\n')}\n`)
  return file
}
