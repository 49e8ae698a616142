import { intAttribute } from '../onnx/attribute.ts'
import type { NodeProto } from '../onnx/onnx-proto.ts'
import { elementCount } from '../onnx/tensor.ts'
import { einsumTerms } from '../types/einsum.ts'
import type { GraphEmitter } from './graph-emitter.ts'

interface Shapes {
  readonly inputs: readonly (readonly number[])[]
  readonly output: readonly number[]
}

/** Multiplications of a node, each of which has its addition. */
const MULTIPLICATIONS: Readonly<Record<string, (shapes: Shapes, node: NodeProto) => number>> = {
  // Each element of the output meets the weights of its channel: [M, C / group, …kernel].
  Conv: ({ inputs: [, weights = []], output }) =>
    elementCount(output) * elementCount(weights.slice(1)),
  // Each element of the input does: [C, M / group, …kernel].
  ConvTranspose: ({ inputs: [x = [], weights = []] }) =>
    elementCount(x) * elementCount(weights.slice(1)),
  // Each choice of all indices is one product.
  Einsum: ({ inputs }, node) => elementCount([...einsumTerms(node, inputs).sizes.values()]),
  GRU: recurrent,
  Gemm: ({ inputs: [a = []], output }, node) =>
    elementCount(output) * (a[intAttribute(node, 'transA', 0) ? 0 : 1] ?? 0),
  LSTM: recurrent,
  MatMul: ({ inputs: [a = []], output }) => elementCount(output) * (a.at(-1) ?? 0),
}

/** All rows of W [D, gates · hidden, inputs] and R [D, gates · hidden, hidden], each step and sample. */
function recurrent({ inputs: [x = [], w = [], r = []] }: Shapes): number {
  return elementCount(x.slice(0, 2)) * (elementCount(w) + elementCount(r))
}

/**
 * Floating-point operations of the matrix products among the nodes, 2·m·n·k each. All else is small
 * beside them and not counted, as is usual (Kaplan et al. 2020, section 2.1).
 */
export function countForwardFlops(graph: GraphEmitter, nodes: readonly NodeProto[]): number {
  let flopCount = 0
  for (const node of nodes) {
    const shapes = node.input.map(input => (input === '' ? [] : graph.shape(input)))
    const [output = ''] = node.output
    const outputShape = output === '' ? [] : graph.shape(output)
    flopCount += nodeFlops(node, { inputs: shapes, output: outputShape })
  }
  return flopCount
}

/** Those of one node; 0 where it is no matrix product. */
export function nodeFlops(node: NodeProto, shapes: Shapes): number {
  const { opType = '' } = node
  const multiplications = Object.hasOwn(MULTIPLICATIONS, opType)
    ? MULTIPLICATIONS[opType]
    : undefined
  return multiplications ? 2 * multiplications(shapes, node) : 0
}

/** Each product of the forward pass has two of the same size in the backward pass. */
export const TRAINING_TO_FORWARD = 3
