import { intsAttribute, stringAttribute } from '../../../../training/onnx/attribute.ts'
import type { NodeProto } from '../../../../training/onnx/onnx-proto.ts'
import { elementCount } from '../../../../training/onnx/tensor.ts'
import type { Float64Tensor } from '../reference-check.ts'

/** All positions in a box, the last axis fastest. */
export function* positions(sizes: readonly number[]): Generator<readonly number[]> {
  const count = elementCount(sizes)
  for (let index = 0; index < count; index++) {
    let rest = index
    const position = sizes.map(() => 0)
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      const size = sizes[axis] ?? 1
      position[axis] = rest % size
      rest = Math.floor(rest / size)
    }
    yield position
  }
}

export function place(position: readonly number[], shape: readonly number[]): number {
  return position.reduce((sum, index, axis) => sum * (shape[axis] ?? 1) + index, 0)
}

export interface Slide {
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly begin: readonly number[]
  readonly end: readonly number[]
}

/** Strides, dilations and pads with the definitions of the ONNX operators written out. */
export function readSlide(
  node: NodeProto,
  sizes: readonly number[],
  kernel: readonly number[],
): Slide {
  const strides = intsAttribute(node, 'strides') ?? kernel.map(() => 1)
  const dilations = intsAttribute(node, 'dilations') ?? kernel.map(() => 1)
  const pads = intsAttribute(node, 'pads') ?? [...kernel, ...kernel].map(() => 0)
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET')
  const totals = kernel.map((size, axis) => {
    const stride = strides[axis] ?? 1
    const input = sizes[axis] ?? 0
    const extent = (size - 1) * (dilations[axis] ?? 1) + 1
    return Math.max(0, (Math.ceil(input / stride) - 1) * stride + extent - input)
  })
  if (autoPad === 'NOTSET' || autoPad === 'VALID') {
    return {
      strides,
      dilations,
      begin: pads.slice(0, kernel.length),
      end: pads.slice(kernel.length),
    }
  }
  const smaller = totals.map(total => Math.floor(total / 2))
  const larger = totals.map(total => Math.ceil(total / 2))
  return autoPad === 'SAME_UPPER'
    ? { strides, dilations, begin: smaller, end: larger }
    : { strides, dilations, begin: larger, end: smaller }
}

/** Where the window at `output` has its offset, before the pads are cut off. */
export function slidTo(
  { strides, dilations, begin }: Slide,
  output: readonly number[],
  offset: readonly number[],
): number[] {
  return output.map(
    (index, axis) =>
      index * (strides[axis] ?? 1) +
      (offset[axis] ?? 0) * (dilations[axis] ?? 1) -
      (begin[axis] ?? 0),
  )
}

export function isInside(position: readonly number[], sizes: readonly number[]): boolean {
  return position.every((index, axis) => index >= 0 && index < (sizes[axis] ?? 0))
}

export function given(
  inputs: readonly (Float64Tensor | undefined)[],
  index: number,
): Float64Tensor {
  const tensor = inputs[index]
  if (!tensor) throw new RangeError(`input ${index} is missing`)
  return tensor
}
