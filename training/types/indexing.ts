import { intAttribute } from '../onnx/attribute.ts'
import { fromFront, type TypeRule } from './type-rule.ts'

const gather: TypeRule = ({ node, input }) => {
  const { elementType, shape } = input(0)
  const axis = fromFront(intAttribute(node, 'axis', 0), shape.length)
  return [
    {
      elementType,
      shape: [...shape.slice(0, axis), ...input(1).shape, ...shape.slice(axis + 1)],
    },
  ]
}

const gatherElements: TypeRule = ({ input }) => [
  { elementType: input(0).elementType, shape: input(1).shape },
]

const scatter: TypeRule = ({ input }) => [input(0)]

const slice: TypeRule = ({ input, constantInts }) => {
  const { elementType, shape } = input(0)
  const [starts, ends, steps] = [constantInts(1), constantInts(2), constantInts(4)]
  if (!starts || !ends) throw new RangeError('starts and ends are needed')
  const axes = constantInts(3) ?? starts.map((_, index) => index)
  const sizes = [...shape]
  for (const [index, axisGiven] of axes.entries()) {
    const axis = fromFront(axisGiven, shape.length)
    const size = shape[axis] ?? 0
    const step = steps?.[index] ?? 1
    if (step < 1) throw new RangeError('only steps forwards are known')
    const start = place(starts[index] ?? 0, size)
    sizes[axis] = Math.max(0, Math.ceil((place(ends[index] ?? size, size) - start) / step))
  }
  return [{ elementType, shape: sizes }]
}

/** Counted from the front and clamped to the axis. */
function place(index: number, size: number): number {
  return Math.min(size, Math.max(0, index < 0 ? index + size : index))
}

export const indexingTypes = {
  Gather: gather,
  GatherElements: gatherElements,
  ScatterElements: scatter,
  ScatterND: scatter,
  Slice: slice,
} satisfies Record<string, TypeRule>
