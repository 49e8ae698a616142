import { findAttribute, intAttribute, intsAttribute } from '../onnx/attribute.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { elementCount, integerValues } from '../onnx/tensor.ts'
import { sliceRanges } from '../types/slicing.ts'
import type { TensorType, TypeContext } from '../types/type-rule.ts'

interface Folding extends TypeContext {
  readonly output: TensorType
  /** The values of an input, which are known. */
  ints(index: number): readonly number[]
}

type Fold = (folding: Folding) => readonly number[] | undefined

/** Shapes and indices are short; anything longer is left to ONNX Runtime. */
const COUNT_MAX = 4096
const INTEGERS: readonly number[] = [ELEMENT.int64, ELEMENT.int32, ELEMENT.bool]

/**
 * The values of a node's output that can be known before anything runs: exporters compute with
 * shapes, and here shapes are fixed. Undefined for all else.
 */
export function foldIntegers(
  context: TypeContext,
  output: TensorType,
): readonly number[] | undefined {
  const { opType = '', input: names } = context.node
  const fold = Object.hasOwn(folds, opType) ? folds[opType] : undefined
  // The scales of a Resize, whose parts PyTorch's exporter joins.
  const areScales = opType === 'Concat' && output.elementType === ELEMENT.float
  if (!fold || !(areScales || INTEGERS.includes(output.elementType))) return undefined
  if (elementCount(output.shape) > COUNT_MAX || output.shape.includes(-1)) return undefined
  const known = names.map((_, index) =>
    areScales ? context.constantReals(index) : context.constantInts(index),
  )
  const needsValues = opType !== 'Shape' && opType !== 'Size'
  if (needsValues && names.some((name, index) => name !== '' && !known[index])) return undefined
  const values = fold({ ...context, output, ints: index => known[index] ?? [] })
  return areScales || values?.every(Number.isSafeInteger) ? values : undefined
}

const sameElements: Fold = ({ ints }) => ints(0)

function elementwise(compute: (...values: number[]) => number): Fold {
  return ({ node, input, ints, output }) => {
    const operands = node.input.map((_, index) =>
      stretch(ints(index), input(index).shape, output.shape),
    )
    const [first = []] = operands
    return first.map((_, place) => compute(...operands.map(values => values[place] ?? 0)))
  }
}

/** Numpy's broadcasting of the values. */
function stretch(
  values: readonly number[],
  from: readonly number[],
  to: readonly number[],
): readonly number[] {
  const added = to.length - from.length
  return Array.from({ length: elementCount(to) }, (_, place) => {
    let [rest, index, stride] = [place, 0, 1]
    for (let axis = to.length - 1; axis >= added; axis -= 1) {
      const [size, wide] = [from[axis - added] ?? 1, to[axis] ?? 1]
      index += size === 1 ? 0 : (rest % wide) * stride
      stride *= size
      rest = Math.floor(rest / wide)
    }
    return values[index] ?? 0
  })
}

/** The elements of the first input that stand at each place of the output. */
function rearrange(
  { ints, input, output }: Folding,
  from: (place: readonly number[]) => readonly number[],
): readonly number[] {
  const values = ints(0)
  const { shape } = input(0)
  return Array.from({ length: elementCount(output.shape) }, (_, index) => {
    const place = placeOf(index, output.shape)
    return values[from(place).reduce((sum, at, axis) => sum * (shape[axis] ?? 1) + at, 0)] ?? 0
  })
}

/** The place of an element, counted along each axis. */
function placeOf(index: number, shape: readonly number[]): readonly number[] {
  let rest = index
  const place = shape.toReversed().map(size => {
    const at = rest % size
    rest = Math.floor(rest / size)
    return at
  })
  return place.reverse()
}

const folds: Readonly<Record<string, Fold>> = {
  Add: elementwise((a = 0, b = 0) => a + b),
  And: elementwise((a = 0, b = 0) => a & b),
  Cast: ({ ints, output }) =>
    output.elementType === ELEMENT.bool ? ints(0).map(value => (value === 0 ? 0 : 1)) : ints(0),
  Concat: ({ node, ints, output }) =>
    output.shape.length === 1 ? node.input.flatMap((_, index) => ints(index)) : undefined,
  ConstantOfShape: ({ node, output }) => {
    const value = findAttribute(node, 'value')?.t
    const [fill] = (value && integerValues(value)) ?? []
    return fill === undefined ? undefined : new Array(elementCount(output.shape)).fill(fill)
  },
  Div: elementwise((a = 0, b = 0) => Math.trunc(a / b)),
  Equal: elementwise((a, b) => (a === b ? 1 : 0)),
  Expand: ({ ints, input, output }) => stretch(ints(0), input(0).shape, output.shape),
  Gather: ({ ints, input }) => {
    const values = ints(0)
    return input(0).shape.length === 1 ? ints(1).map(index => values.at(index) ?? 0) : undefined
  },
  Greater: elementwise((a = 0, b = 0) => (a > b ? 1 : 0)),
  Identity: sameElements,
  Less: elementwise((a = 0, b = 0) => (a < b ? 1 : 0)),
  Max: elementwise(Math.max),
  Min: elementwise(Math.min),
  Mul: elementwise((a = 0, b = 0) => a * b),
  Neg: elementwise((a = 0) => 0 - a),
  Not: elementwise(a => (a === 0 ? 1 : 0)),
  Or: elementwise((a = 0, b = 0) => a | b),
  Range: ({ ints, output }) => {
    const [[start = 0], [delta = 1]] = [ints(0), ints(2)]
    return Array.from({ length: elementCount(output.shape) }, (_, index) => start + index * delta)
  },
  ReduceProd: ({ ints, output }) =>
    elementCount(output.shape) === 1 ? [ints(0).reduce((a, b) => a * b, 1)] : undefined,
  Reshape: sameElements,
  Shape: ({ node, input, output }) => {
    const { shape } = input(0)
    const start = intAttribute(node, 'start', 0)
    const first = Math.min(shape.length, Math.max(0, start < 0 ? start + shape.length : start))
    return shape.includes(-1) ? undefined : shape.slice(first, first + (output.shape[0] ?? 0))
  },
  Size: ({ input }) => (input(0).shape.includes(-1) ? undefined : [elementCount(input(0).shape)]),
  Slice: context => {
    const ranges = new Map(sliceRanges(context).map(range => [range.axis, range]))
    return rearrange(context, place =>
      place.map((index, axis) => {
        const { start = 0, step = 1 } = ranges.get(axis) ?? {}
        return start + index * step
      }),
    )
  },
  Squeeze: sameElements,
  Sub: elementwise((a = 0, b = 0) => a - b),
  Transpose: context => {
    const { shape } = context.input(0)
    const order = intsAttribute(context.node, 'perm') ?? [...shape.keys()].reverse()
    return rearrange(context, place => shape.map((_, axis) => place[order.indexOf(axis)] ?? 0))
  },
  Unsqueeze: sameElements,
  Where: elementwise((condition, a = 0, b = 0) => (condition === 0 ? b : a)),
}

export const foldedOps: readonly string[] = Object.keys(folds)
