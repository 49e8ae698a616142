import type { GraphEmitter, ValueName } from '../../graph/graph-emitter.ts'
import { attr } from '../../onnx/attribute.ts'
import { createOptimizer } from '../../optimizer/registry.ts'
import type { GraphKernel } from './graph-kernel.ts'

/** As the schema has it where nothing is said. */
const ADAM = { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const

/** Kernels whose time is that of reading, writing and starting. */
export const memoryKernels = {
  /** An activation, its curve and a mask, as networks and their gradients have them. */
  elementwise: {
    inputs: { x: [64, 384], y: [384] },
    build: graph => {
      const sum = graph.add('x', 'y')
      const curved = graph.mul(graph.emit('Relu', [sum]), graph.emit('Tanh', [sum]))
      return [graph.mul(curved, graph.mask('Greater', sum, graph.scalar(0.5, sum)))]
    },
  },

  /** The move of one parameter, in the second-level cache and beyond. */
  adam: adam([128, 160]),
  'adam-large': adam([512, 512]),

  /** Axes swapped, cut and joined; rows made shares and summed. */
  layout: {
    inputs: { x: [24, 32, 48] },
    build: graph => {
      const joined = swapHalves(graph, graph.transpose('x', [1, 0, 2]), { half: 16, axis: 0 })
      const shares = graph.emit('Softmax', [joined], [attr.int('axis', -1)])
      return [graph.sum(shares, [2]), graph.sum(joined, [1, 2])]
    },
  },

  /** One after the other on a handful of numbers: nothing but the start of each. */
  operators: {
    inputs: { x: [8], y: [8] },
    build: graph => {
      let value: ValueName = 'x'
      for (let count = 0; count < 32; count++) value = graph.add(graph.mul(value, 'y'), 'y')
      return [value]
    },
  },
  rearrangements: {
    inputs: { x: [4, 4, 2] },
    build: graph => {
      let value: ValueName = 'x'
      const sums: ValueName[] = []
      for (let count = 0; count < 8; count++) {
        value = swapHalves(graph, graph.transpose(value, [1, 0, 2]), { half: 2, axis: 0 })
        sums.push(graph.sum(value, [2]))
      }
      return [sums.reduce((a, b) => graph.add(a, b))]
    },
  },
} satisfies Record<string, GraphKernel>

function adam(shape: readonly number[]): GraphKernel {
  return {
    inputs: { w: shape, g: shape, m: shape, v: shape, rate: [], epsilon: [] },
    build: graph => {
      const { parameter, slots } = createOptimizer(ADAM).emit(graph, {
        parameter: 'w',
        gradient: 'g',
        slots: ['m', 'v'],
        scalars: ['rate', 'epsilon'],
      })
      return [parameter, ...slots]
    },
  }
}

function swapHalves(
  graph: GraphEmitter,
  value: ValueName,
  { half, axis }: { readonly half: number; readonly axis: number },
): ValueName {
  const parts = [half, 0].map(from => {
    const [start, end] = [graph.ints([from]), graph.ints([from + half])]
    return graph.emit('Slice', [value, start, end, graph.ints([axis])])
  })
  return graph.emit('Concat', parts, [attr.int('axis', axis)])
}

/** McCalpin (1995): each array is to be four times as large as the caches together. */
const CACHES = 4
const ARRAYS = 3
const ELEMENTS_MIN = 2 ** 20
/** 64 MiB an array: more would not fit beside what else a board does. */
const ELEMENTS_MAX = 2 ** 24

/**
 * STREAM's triad a = b + s · c (McCalpin 1995) as ONNX Runtime computes it, in two operators, with
 * three arrays that are four times the last cache together. Fewer than STREAM asks for: what a board
 * has is mostly small, and the arrays are swept from end to end, so that nothing of them stays.
 */
export function triad(cacheBytes: number): GraphKernel {
  const wished = (CACHES * cacheBytes) / ARRAYS / Float32Array.BYTES_PER_ELEMENT
  const count = Math.round(Math.min(ELEMENTS_MAX, Math.max(ELEMENTS_MIN, wished)))
  return {
    inputs: { b: [count], c: [count], s: [] },
    build: graph => [graph.add('b', graph.mul('c', 's'))],
  }
}
