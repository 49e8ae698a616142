import { buildBackwardGraph } from '../../graph/backward-graph.ts'
import type { GraphEmitter, ValueName } from '../../graph/graph-emitter.ts'
import { attr } from '../../onnx/attribute.ts'
import type { GraphKernel } from './graph-kernel.ts'

/** Kernels whose time is that of matrix products, convolutions and attention. */
export const productKernels = {
  /** Large square matrices: the most that products reach. 0.27 GFLOP a turn. */
  gemm: product([512, 512], [512, 512]),
  /** A layer on a small batch: its weights are read for few products. */
  'gemm-thin': product([16, 384], [384, 384]),
  'gemm-small': product([64, 48], [48, 96]),

  convolution: convolution([8, 12, 20, 20], [24, 12, 3, 3]),
  'convolution-small': convolution([16, 4, 12, 12], [8, 4, 3, 3]),
  /** Of the image and of the weights, as the gradient rule of Conv makes them. */
  'convolution-gradient': {
    inputs: { x: [8, 12, 20, 20], w: [24, 12, 3, 3], dy: [8, 24, 20, 20] },
    build: graph => gradients(graph, { of: () => convolve(graph), wanted: ['x', 'w'] }),
  },

  /** 48 places of four samples in three heads, forward and backward (Vaswani et al. 2017, eq. 1). */
  attention: {
    inputs: { q: [4, 48, 3, 24], k: [4, 48, 3, 24], v: [4, 48, 3, 24], dy: [4, 3, 48, 24] },
    build: graph => gradients(graph, { of: () => attend(graph), wanted: ['q', 'k', 'v'] }),
  },
} satisfies Record<string, GraphKernel>

function product(a: readonly number[], b: readonly number[]): GraphKernel {
  return { inputs: { a, b }, build: graph => [graph.matMul('a', 'b')] }
}

function convolution(x: readonly number[], w: readonly number[]): GraphKernel {
  return { inputs: { x, w }, build: graph => [convolve(graph)] }
}

function convolve(graph: GraphEmitter): ValueName {
  return graph.emit('Conv', ['x', 'w'], [attr.ints('pads', [1, 1, 1, 1])])
}

function attend(graph: GraphEmitter): ValueName {
  const query = graph.transpose('q', [0, 2, 1, 3])
  const scores = graph.matMul(query, graph.transpose('k', [0, 2, 3, 1]))
  const scaled = graph.mul(scores, graph.scalar(24 ** -0.5, scores))
  const shares = graph.emit('Softmax', [scaled], [attr.int('axis', -1)])
  return graph.matMul(shares, graph.transpose('v', [0, 2, 1, 3]))
}

/** `dy` is the gradient of what comes out. Forward nodes that no gradient needs are left out. */
function gradients(
  graph: GraphEmitter,
  { of, wanted }: { readonly of: () => ValueName; readonly wanted: readonly ValueName[] },
): readonly ValueName[] {
  const { made, nodes } = graph.record(of)
  const found = buildBackwardGraph({ graph, nodes, seeds: new Map([[made, 'dy']]), wanted })
  return [...found.values()]
}
