import type { GraphEmitter } from './graph-emitter.ts'
import { intAttribute } from './onnx/attribute.ts'
import type { NodeProto } from './onnx/onnx-proto.ts'
import { elementCount } from './onnx/tensor.ts'

/** Length of the sums that make each element of the output: a multiplication and an addition each. */
const SUM_LENGTHS: Readonly<Record<string, (shape: readonly number[], node: NodeProto) => number>> =
  {
    Gemm: (shape, node) => shape[intAttribute(node, 'transA', 0) ? 0 : 1] ?? 0,
    MatMul: shape => shape.at(-1) ?? 0,
  }

/**
 * Floating-point operations of the matrix products among the nodes, 2·m·n·k each. All else is small
 * beside them and not counted, as is usual (Kaplan et al. 2020, section 2.1).
 */
export function countForwardFlops(graph: GraphEmitter, nodes: readonly NodeProto[]): number {
  let flopCount = 0
  for (const node of nodes) {
    const [input, output] = [node.input[0], node.output[0]]
    const sumLength = SUM_LENGTHS[node.opType ?? '']
    if (!sumLength || !input || !output) continue
    flopCount += 2 * elementCount(graph.shape(output)) * sumLength(graph.shape(input), node)
  }
  return flopCount
}

/** Each product of the forward pass has two of the same size in the backward pass. */
export const TRAINING_TO_FORWARD = 3
