import { intAttribute, intsAttribute, stringAttribute } from '../onnx/attribute.ts'
import type { NodeProto } from '../onnx/onnx-proto.ts'

/** How a window slides over the spatial axes of [N, C, …]. One number an axis in each list. */
export interface Window {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly padsBegin: readonly number[]
  readonly padsEnd: readonly number[]
  /** Spatial sizes of what is slid over, and of what comes out. */
  readonly sizes: readonly number[]
  readonly outputSizes: readonly number[]
}

/** The attributes that convolutions and poolings share (ONNX Operators.md, Conv-11, MaxPool-12). */
export function readWindow(
  node: NodeProto,
  { sizes, kernel }: { readonly sizes: readonly number[]; readonly kernel: readonly number[] },
): Window {
  const { strides, dilations, pads } = windowAttributes(node, kernel.length)
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET')
  const ceils = intAttribute(node, 'ceil_mode', 0) !== 0
  const axes = kernel.map((size, axis) =>
    placeWindow({
      size: sizes[axis] ?? 0,
      extent: reach(size, dilations[axis] ?? 1),
      stride: strides[axis] ?? 1,
      pads: [pads[axis] ?? 0, pads[axis + kernel.length] ?? 0],
      autoPad,
      ceils,
    }),
  )
  return {
    kernel,
    strides,
    dilations,
    padsBegin: axes.map(({ begin }) => begin),
    padsEnd: axes.map(({ end }) => end),
    sizes,
    outputSizes: axes.map(({ outputSize }) => outputSize),
  }
}

export function windowAttributes(node: NodeProto, rank: number) {
  return {
    strides: intsAttribute(node, 'strides') ?? Array.from({ length: rank }, () => 1),
    dilations: intsAttribute(node, 'dilations') ?? Array.from({ length: rank }, () => 1),
    pads: intsAttribute(node, 'pads') ?? Array.from({ length: 2 * rank }, () => 0),
  }
}

/** How many places a dilated window spans. */
export function reach(kernelSize: number, dilation: number): number {
  return (kernelSize - 1) * dilation + 1
}

function placeWindow(given: {
  readonly size: number
  readonly extent: number
  readonly stride: number
  readonly pads: readonly [number, number]
  readonly autoPad: string
  readonly ceils: boolean
}): { readonly begin: number; readonly end: number; readonly outputSize: number } {
  const { size, extent, stride, autoPad, ceils } = given
  if (autoPad.startsWith('SAME')) {
    const outputSize = Math.ceil(size / stride)
    const total = Math.max(0, (outputSize - 1) * stride + extent - size)
    const begin = autoPad === 'SAME_LOWER' ? Math.ceil(total / 2) : Math.floor(total / 2)
    return { begin, end: total - begin, outputSize }
  }
  const [begin, end] = autoPad === 'VALID' ? [0, 0] : given.pads
  const steps = (size + begin + end - extent) / stride
  if (steps < 0) throw new RangeError(`a window of ${extent} does not fit into ${size}`)
  let outputSize = (ceils ? Math.ceil(steps) : Math.floor(steps)) + 1
  // A window that would begin in the padding behind the end is left out (MaxPool-22).
  if (ceils && (outputSize - 1) * stride >= size + begin) outputSize -= 1
  return { begin, end, outputSize }
}
