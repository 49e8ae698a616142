import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr, intAttribute } from '../onnx/attribute.ts'
import { elementCount } from '../onnx/tensor.ts'
import { convTransposeWindow, convWindow } from '../types/convolution.ts'
import { reach, type Window } from '../types/window.ts'
import { sumOfChannels } from './channels.ts'
import { convolutionWeightGradient, swapFront } from './convolution-weights.ts'
import type { GradientRule } from './gradient-rule.ts'

export const convolutionGradients = {
  // y[m, o] = Σ w[m, c, k] · x[c, s·o + d·k − p] + b[m]    (o, k, s, d, p one number an axis)
  // dx[c, i] = Σ w[m, c, k] · dy[m, o]  over s·o + d·k − p = i: the transposed convolution
  // dw[m, c, k] = Σ dy[m, o] · x[c, s·o + d·k − p]         db[m] = Σ dy[m, o]
  Conv: ({ node, opType, inputs: [x, w, b], outputGradients: [dy] }, graph) => {
    if (!x || !w || !dy) throw new RangeError(`${opType} takes at least two inputs`)
    const group = intAttribute(node, 'group', 1)
    const window = convWindow(node, graph.shape(x), graph.shape(w))
    const flippedPads = padsOfFlipped(window)
    const isDepthwise = graph.shape(w)[1] === 1 && group > 1
    const dx =
      isDepthwise && flippedPads
        ? convolveFlipped(graph, { dy, w, group, window, pads: flippedPads })
        : transposedConvolution(graph, { signal: dy, w, group, window })
    const dw = convolutionWeightGradient(graph, {
      image: x,
      signal: dy,
      window,
      group,
      shape: graph.shape(w),
    })
    if (!b) return [dx, dw]
    return [dx, dw, isDepthwise ? sumOfChannels(graph, dy) : sumOfRows(graph, dy)]
  },

  // y[m, i] = Σ w[c, m, k] · x[c, o] + b[m]  over s·o + d·k − p = i
  // dx[c, o] = Σ w[c, m, k] · dy[m, s·o + d·k − p]: the convolution that this one transposes
  // dw[c, m, k] = Σ x[c, o] · dy[m, s·o + d·k − p]         db[m] = Σ dy[m, i]
  ConvTranspose: ({ node, opType, inputs: [x, w, b], outputGradients: [dy] }, graph) => {
    if (!x || !w || !dy) throw new RangeError(`${opType} takes at least two inputs`)
    const group = intAttribute(node, 'group', 1)
    const window = convTransposeWindow(node, graph.shape(x), graph.shape(w))
    const { strides, dilations, padsBegin, padsEnd } = window
    const attributes = [
      ...windowAttributes({ strides, dilations, group }),
      ...pads(padsBegin, padsEnd),
    ]
    const dx = graph.emit('Conv', [dy, w], attributes)
    const dw = convolutionWeightGradient(graph, {
      image: dy,
      signal: x,
      window,
      group,
      shape: graph.shape(w),
    })
    return b ? [dx, dw, sumOfChannels(graph, dy)] : [dx, dw]
  },
} satisfies Record<string, GradientRule>

/** The same as sumOfChannels, through what the gradient of the weights has computed anyway. */
function sumOfRows(graph: GraphEmitter, dy: ValueName): ValueName {
  const [batch = 0, channels = 0, ...sizes] = graph.shape(dy)
  const rows = graph.reshape(swapFront(graph, dy), [channels, batch * elementCount(sizes)])
  return graph.sumAway(rows, [1])
}

/**
 * The sums over all windows of kernel · signal, each added where its window lay. Places behind the
 * last window come to be by output_padding.
 */
export function transposedConvolution(
  graph: GraphEmitter,
  given: {
    readonly signal: ValueName
    readonly w: ValueName
    readonly group: number
    readonly window: Window
  },
): ValueName {
  const { signal, w, group, window } = given
  const { strides, dilations, padsBegin, padsEnd } = window
  const behind = placesBehind(window)
  const attributes = [
    ...windowAttributes({ strides, dilations, group }),
    ...pads(padsBegin, padsEnd),
    ...(behind.some(count => count > 0) ? [attr.ints('output_padding', behind)] : []),
  ]
  return graph.emit('ConvTranspose', [signal, w], attributes)
}

/** How many places no window reaches, at the end of each axis. */
function placesBehind(window: Window): number[] {
  const { kernel, strides, dilations, padsBegin, padsEnd, sizes, outputSizes } = window
  return sizes.map((size, axis) => {
    const steps = (strides[axis] ?? 1) * ((outputSizes[axis] ?? 1) - 1)
    const spanned = steps + reach(kernel[axis] ?? 1, dilations[axis] ?? 1)
    return size + (padsBegin[axis] ?? 0) + (padsEnd[axis] ?? 0) - spanned
  })
}

/** For a stride of one: what a convolution with the kernel turned round must be padded with. */
function padsOfFlipped({ kernel, strides, dilations, padsBegin, padsEnd }: Window) {
  const spans = kernel.map((size, axis) => reach(size, dilations[axis] ?? 1) - 1)
  const begin = spans.map((span, axis) => span - (padsBegin[axis] ?? 0))
  const end = spans.map((span, axis) => span - (padsEnd[axis] ?? 0))
  const isPossible = strides.every(stride => stride === 1) && [...begin, ...end].every(n => n >= 0)
  return isPossible ? { begin, end } : undefined
}

/** dx of a depthwise layer: on ORT's CPU kernels half the time of a grouped ConvTranspose. */
function convolveFlipped(
  graph: GraphEmitter,
  given: {
    readonly dy: ValueName
    readonly w: ValueName
    readonly group: number
    readonly window: Window
    readonly pads: { readonly begin: readonly number[]; readonly end: readonly number[] }
  },
): ValueName {
  const { dy, w, group, window } = given
  const { kernel, strides, dilations } = window
  const outputsOfGroup = (graph.shape(w)[0] ?? 0) / group
  const count = elementCount(kernel)
  const backwards = graph.ints(Array.from({ length: count }, (_, index) => count - 1 - index))
  const flat = graph.reshape(w, [group, outputsOfGroup, count])
  const flipped = graph.emit('Gather', [flat, backwards], [attr.int('axis', 2)])
  return graph.emit(
    'Conv',
    [dy, graph.reshape(flipped, [group, outputsOfGroup, ...kernel])],
    [...windowAttributes({ strides, dilations, group }), ...pads(given.pads.begin, given.pads.end)],
  )
}

function windowAttributes(given: {
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly group: number
}) {
  return [
    attr.ints('strides', given.strides),
    attr.ints('dilations', given.dilations),
    attr.int('group', given.group),
  ]
}

function pads(begin: readonly number[], end: readonly number[]) {
  return [attr.ints('pads', [...begin, ...end])]
}
