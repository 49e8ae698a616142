import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr, intAttribute } from '../onnx/attribute.ts'
import { elementCount } from '../onnx/tensor.ts'
import { poolWindow } from '../types/pooling.ts'
import { reach, type Window } from '../types/window.ts'
import { transposedConvolution } from './convolution.ts'
import { type GradientRule, unary } from './gradient-rule.ts'
import { isTiled, maxPoolGradientByPhase } from './max-pool-phases.ts'

export const poolingGradients = {
  // y[o] = Σ x[i] / n[o]  over the window at o     dx[i] = Σ dy[o] / n[o]  over the windows around i
  AveragePool: unary(({ node, x, dy, graph }) => {
    const shape = graph.shape(x)
    const window = poolWindow(node, shape)
    if (intAttribute(node, 'ceil_mode', 0) && hangsOver(window)) {
      throw new RangeError('means of windows that hang over the end (ceil_mode) are not known here')
    }
    const shares = graph.mul(dy, windowShares(graph, { window, like: dy, node }))
    const tiled = tile(graph, { shares, window, shape })
    if (tiled) return tiled
    const [batch = 0, channels = 0, ...sizes] = shape
    const { kernel, outputSizes } = window
    const summed = transposedConvolution(graph, {
      signal: graph.reshape(shares, [batch * channels, 1, ...outputSizes]),
      w: graph.emit('Expand', [graph.scalar(1, dy), graph.ints([1, 1, ...kernel])]),
      group: 1,
      window,
    })
    return graph.reshape(summed, [batch, channels, ...sizes])
  }),

  // y = Σ x / n      dx = dy / n, stretched
  GlobalAveragePool: unary(({ x, dy, graph }) => {
    const shape = graph.shape(x)
    const count = elementCount(shape.slice(2))
    return graph.emit('Expand', [graph.div(dy, graph.scalar(count, dy)), graph.ints(shape)])
  }),

  // y = max x        dx = dy at the first maximum, 0 elsewhere
  GlobalMaxPool: unary(({ x, dy, graph }) => {
    const [batch = 0, channels = 0, ...sizes] = graph.shape(x)
    const rows = [batch, channels, elementCount(sizes)]
    const first = graph.emit(
      'ArgMax',
      [graph.reshape(x, rows)],
      [attr.int('axis', 2), attr.int('keepdims', 1)],
    )
    const placed = graph.emit(
      'ScatterElements',
      [graph.zeros(rows, dy), first, graph.reshape(dy, [batch, channels, 1])],
      [attr.int('axis', 2)],
    )
    return graph.reshape(placed, graph.shape(x))
  }),

  // y[o] = x[i*]  at the first maximum i* in the window at o     dx[i] = Σ dy[o]  where i* = i
  // Where windows lie side by side, by phase. Otherwise the forward node gives i* as its second output.
  // MaxUnpool is the faster way back, but keeps only one value where windows share their maximum.
  MaxPool: ({ node, opType, inputs: [x], outputs: [y], outputGradients: [dy] }, graph) => {
    if (!x || !y || !dy) throw new RangeError(`${opType} takes one input`)
    if (intAttribute(node, 'storage_order', 0) !== 0) {
      throw new RangeError('indices that count columns first (storage_order) are not known here')
    }
    const shape = graph.shape(x)
    const window = poolWindow(node, shape)
    const byPhase = maxPoolGradientByPhase(graph, { x, dy, window })
    if (byPhase) return [byPhase]
    const indices = graph.optionalOutput(y, 1)
    const { kernel, strides, dilations } = window
    const isDisjoint = kernel.every(
      (size, axis) => reach(size, dilations[axis] ?? 1) <= (strides[axis] ?? 1),
    )
    if (isDisjoint) {
      // Indices count through the whole tensor: with the shape given, the kernel says nothing more.
      const ones = kernel.map(() => 1)
      const attributes = [attr.ints('kernel_shape', ones), attr.ints('strides', ones)]
      return [graph.emit('MaxUnpool', [dy, indices, graph.ints(shape)], attributes)]
    }
    const flat = [elementCount(graph.shape(y))]
    const sums = graph.emit(
      'ScatterElements',
      [
        graph.zeros([elementCount(shape)], dy),
        graph.reshape(indices, flat),
        graph.reshape(dy, flat),
      ],
      [attr.string('reduction', 'add')],
    )
    return [graph.reshape(sums, shape)]
  },
} satisfies Record<string, GradientRule>

function hangsOver(window: Window): boolean {
  return window.kernel.some((size, axis) => {
    const { strides, outputSizes, sizes, padsBegin, padsEnd, dilations } = window
    const last = ((outputSizes[axis] ?? 1) - 1) * (strides[axis] ?? 1)
    const room = (sizes[axis] ?? 0) + (padsBegin[axis] ?? 0) + (padsEnd[axis] ?? 0)
    return last + reach(size, dilations[axis] ?? 1) > room
  })
}

/** 1 / n: how much of a mean each place in the window at o has. */
function windowShares(
  graph: GraphEmitter,
  given: {
    readonly window: Window
    readonly like: ValueName
    readonly node: Parameters<GradientRule>[0]['node']
  },
): ValueName {
  const { window, like, node } = given
  const { kernel, strides, dilations, padsBegin, sizes, outputSizes } = window
  const isUniform = [...padsBegin, ...window.padsEnd].every(pad => pad === 0)
  if (isUniform || intAttribute(node, 'count_include_pad', 0) !== 0) {
    return graph.scalar(1 / elementCount(kernel), like)
  }
  // A window is a product of axes, and so is the number of places in it that are not padding.
  return outputSizes.reduce<ValueName>(
    (product, outputSize, axis) => {
      const shares = Array.from({ length: outputSize }, (_, output) => {
        const start = output * (strides[axis] ?? 1) - (padsBegin[axis] ?? 0)
        const places = Array.from(
          { length: kernel[axis] ?? 0 },
          (_, index) => start + index * (dilations[axis] ?? 1),
        )
        return 1 / places.filter(place => place >= 0 && place < (sizes[axis] ?? 0)).length
      })
      const shape = outputSizes.map((_, other) => (other === axis ? outputSize : 1))
      return graph.mul(product, graph.constant(graph.type(like).elementType, shape, shares))
    },
    graph.scalar(1, like),
  )
}

/** Where the windows lie side by side, each share is repeated over its window. */
function tile(
  graph: GraphEmitter,
  given: {
    readonly shares: ValueName
    readonly window: Window
    readonly shape: readonly number[]
  },
): ValueName | undefined {
  const { shares, window, shape } = given
  const { kernel, outputSizes } = window
  if (!isTiled(window)) return undefined
  const front = shape.slice(0, 2)
  const single = outputSizes.flatMap(size => [size, 1])
  const repeated = outputSizes.flatMap((size, axis) => [size, kernel[axis] ?? 1])
  const stretched = graph.emit('Expand', [
    graph.reshape(shares, [...front, ...single]),
    graph.ints([...front, ...repeated]),
  ])
  return graph.reshape(stretched, shape)
}
