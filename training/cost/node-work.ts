import { nodeFlops } from '../graph/flop-count.ts'
import { intAttribute } from '../onnx/attribute.ts'
import { elementBytes } from '../onnx/element-type.ts'
import { elementCount } from '../onnx/tensor.ts'
import type { TensorType } from '../types/type-rule.ts'
import type { TypedNode } from './typed-nodes.ts'
import type { WorkCounts } from './work-counts.ts'

/** Operators that hand on what they got under another shape, and Scan, whose body is counted. */
const VIEWS = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity', 'Shape', 'Scan'])

/** They read as much as they write, whatever stands around that in their inputs. */
const PARTS = new Set(['Slice', 'Split', 'Gather', 'GatherElements', 'GatherND', 'Expand', 'Tile'])

/** They read and write their operands, but not from end to end. What is in no list does. */
const REARRANGING = new Set([
  ...['Transpose', 'Concat', 'Pad', 'ScatterElements', 'ScatterND', 'ConstantOfShape', 'Resize'],
  ...['MaxPool', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool', 'DepthToSpace', 'CumSum'],
  ...['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'ReduceL2', 'ArgMax'],
  ...['Softmax', 'LogSoftmax', 'BatchNormalization', 'LayerNormalization', 'Trilu', 'OneHot'],
])

/** The second-level cache of a core has 0.5 to 2 MiB on the boards that we know. */
const LARGE_BYTES = 2 ** 20

interface Shapes {
  readonly inputs: readonly (readonly number[])[]
  readonly output: readonly number[]
}

/** What one run of the node takes. */
export function nodeWork({ node, inputs, outputs }: TypedNode): Partial<WorkCounts> {
  const { opType = '' } = node
  if (VIEWS.has(opType)) return { operators: 1 }
  const written = bytesOf(outputs)
  const bytes = bytesOf(inputs) + written
  const shapes = { inputs: inputs.map(shapeOf), output: shapeOf(outputs[0]) }
  const flops = isSweep(shapes) ? 0 : nodeFlops(node, shapes)
  if (opType === 'Conv' || opType === 'ConvTranspose') {
    return { operators: 1, flops, columnBytes: columnBytes(node, shapes) }
  }
  if (flops > 0) return { operators: 1, flops, sweptBytes: bytes }
  const touched = PARTS.has(opType) ? 2 * written : bytes
  if (touched > LARGE_BYTES) return { operators: 1, largeBytes: touched }
  const rearranges = PARTS.has(opType) || REARRANGING.has(opType)
  return { operators: 1, [rearranges ? 'movedBytes' : 'sweptBytes']: touched }
}

/**
 * Whether a product goes through its operand once, as a sum of rows (a vector on the left) and a scaled
 * sum (a number there) do: its time is that of reading.
 */
function isSweep({ inputs: [left = []] }: Shapes): boolean {
  return left.length === 1 || elementCount(left) === 1
}

/**
 * ONNX Runtime unrolls what each place of the kernel sees into a column and multiplies the columns
 * with the weights (onnxruntime/core/mlas/lib/convolve.cpp). A transposed convolution makes columns by
 * the product and adds them up. Bytes of all columns of a batch, float32.
 */
function columnBytes(node: TypedNode['node'], shapes: Shapes): number {
  const [x = [], weights = []] = shapes.inputs
  const places = node.opType === 'ConvTranspose' ? x : shapes.output
  const [batch = 0, , ...space] = places
  const column = elementCount(weights.slice(1)) * intAttribute(node, 'group', 1)
  return batch * elementCount(space) * column * Float32Array.BYTES_PER_ELEMENT
}

function shapeOf(type: TensorType | undefined): readonly number[] {
  return type?.shape ?? []
}

function bytesOf(types: readonly (TensorType | undefined)[]): number {
  const known = types.filter(type => type !== undefined)
  return known.reduce(
    (sum, { shape, elementType }) => sum + elementCount(shape) * (elementBytes(elementType) ?? 1),
    0,
  )
}
