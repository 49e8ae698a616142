import type { ElementType } from '../onnx/element-type.ts'
import type { NodeProto } from '../onnx/onnx-proto.ts'

/** What is known of a value before anything runs. Shapes are static: the batch is fixed. */
export interface TensorType {
  readonly elementType: ElementType
  readonly shape: readonly number[]
}

export interface TypeContext {
  readonly node: NodeProto
  /** Types of the inputs that are given; an optional input that is left out is undefined. */
  readonly inputs: readonly (TensorType | undefined)[]
  /** The type of an input that the operator must have. */
  input(index: number): TensorType
  /** The values of a constant integer input, undefined where the input is left out. */
  constantInts(index: number): readonly number[] | undefined
  /** The same of a float input. */
  constantReals(index: number): readonly number[] | undefined
}

/** Types of the outputs from those of the inputs. Throws RangeError where they do not fit. */
export type TypeRule = (context: TypeContext) => readonly TensorType[]

/** Numpy's broadcasting, which ONNX took over (onnx docs, Broadcasting.md). */
export function broadcastShapes(a: readonly number[], b: readonly number[]): readonly number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, index) => {
    const [sizeA, sizeB] = [a[index - rank + a.length] ?? 1, b[index - rank + b.length] ?? 1]
    if (sizeA !== sizeB && sizeA !== 1 && sizeB !== 1) {
      throw new RangeError(`shapes [${a}] and [${b}] do not broadcast`)
    }
    return sizeA === 1 ? sizeB : sizeA
  })
}

/** An axis counted from the front; negative ones count from the back. */
export function fromFront(axis: number, rank: number): number {
  const front = axis < 0 ? axis + rank : axis
  if (front < 0 || front >= rank) throw new RangeError(`axis ${axis} of ${rank} axes`)
  return front
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, index) => size === b[index])
}
