import { intAttribute, stringAttribute } from '../onnx/attribute.ts'
import { fromFront, type TypeContext, type TypeRule } from './type-rule.ts'

type Known = Pick<TypeContext, 'node' | 'input' | 'constantInts'>

/** Which elements of an axis a Slice takes: `count` from `start` on, `step` apart. */
export interface SliceRange {
  readonly axis: number
  readonly start: number
  readonly step: number
  readonly count: number
}

export function sliceRanges({ input, constantInts }: Known): readonly SliceRange[] {
  const { shape } = input(0)
  const [starts, ends, steps] = [constantInts(1), constantInts(2), constantInts(4)]
  if (!starts || !ends) throw new RangeError('starts and ends are not constants')
  const axes = constantInts(3) ?? starts.map((_, index) => index)
  return axes.map((axisGiven, index) => {
    const axis = fromFront(axisGiven, shape.length)
    const size = shape[axis] ?? 0
    const step = steps?.[index] ?? 1
    if (step === 0) throw new RangeError('a step is 0')
    // Backwards the range may begin at the last element and end before the first.
    const [lowest, highest] = step > 0 ? [0, size] : [-1, size - 1]
    const place = (given: number) =>
      Math.min(highest, Math.max(lowest, given < 0 ? given + size : given))
    const start = place(starts[index] ?? 0)
    const count = Math.max(0, Math.ceil((place(ends[index] ?? size) - start) / step))
    return { axis, start, step, count }
  })
}

const slice: TypeRule = context => {
  const { elementType, shape } = context.input(0)
  const sizes = [...shape]
  for (const { axis, count } of sliceRanges(context)) sizes[axis] = count
  return [{ elementType, shape: sizes }]
}

const split: TypeRule = ({ node, input, constantInts }) => {
  const { elementType, shape } = input(0)
  const axis = fromFront(intAttribute(node, 'axis', 0), shape.length)
  const size = shape[axis] ?? 0
  const partCount = intAttribute(node, 'num_outputs', node.output.length)
  const part = Math.ceil(size / partCount)
  // The last part is the smaller one where they cannot be equal.
  const sizes =
    constantInts(1) ??
    Array.from({ length: partCount }, (_, index) => Math.min(part, size - index * part))
  if (sizes.reduce((sum, count) => sum + count, 0) !== size) {
    throw new RangeError(`parts of [${sizes}] do not make ${size}`)
  }
  return sizes.map(count => ({ elementType, shape: shape.with(axis, count) }))
}

/** What a Pad adds before and after each axis; less than nothing crops. */
export function padSizes({ input, constantInts }: Known): readonly (readonly [number, number])[] {
  const { shape } = input(0)
  const pads = constantInts(1)
  if (!pads) throw new RangeError('the pads are not a constant')
  const axes = constantInts(3)?.map(axis => fromFront(axis, shape.length))
  return shape.map((_, axis) => {
    const index = axes ? axes.indexOf(axis) : axis
    return index === -1 ? [0, 0] : [pads[index] ?? 0, pads[index + pads.length / 2] ?? 0]
  })
}

const pad: TypeRule = context => {
  const { elementType, shape } = context.input(0)
  const sizes = padSizes(context).map(
    ([before, after], axis) => before + (shape[axis] ?? 0) + after,
  )
  if (sizes.some(size => size < 0)) throw new RangeError(`pads [${shape}] to [${sizes}]`)
  return [{ elementType, shape: sizes }]
}

/**
 * Which element of an axis stands at each place of the padded axis, for a mode that repeats elements
 * (Operators.md, Pad-21); undefined for one that fills in a constant.
 */
export function paddedIndices(context: Known): readonly (readonly number[])[] | undefined {
  const mode = stringAttribute(context.node, 'mode', 'constant')
  if (mode === 'constant') return undefined
  const { shape } = context.input(0)
  return padSizes(context).map(([before, after], axis) => {
    const size = shape[axis] ?? 0
    return Array.from({ length: before + size + after }, (_, place) =>
      sourceIndex(mode, place - before, size),
    )
  })
}

function sourceIndex(mode: string, index: number, size: number): number {
  switch (mode) {
    case 'edge':
      return Math.min(size - 1, Math.max(0, index))
    case 'wrap':
      return modulo(index, size)
    case 'reflect': {
      const period = Math.max(1, 2 * (size - 1))
      const folded = modulo(index, period)
      return folded < size ? folded : period - folded
    }
    default:
      throw new RangeError(`pads in the mode ${mode}`)
  }
}

function modulo(a: number, b: number): number {
  return ((a % b) + b) % b
}

export const slicingTypes = { Pad: pad, Slice: slice, Split: split } satisfies Record<
  string,
  TypeRule
>
