import { intsAttribute, stringAttribute } from '../onnx/attribute.ts'
import type { NodeProto } from '../onnx/onnx-proto.ts'
import { fromFront, type TensorType, type TypeRule } from './type-rule.ts'

/** How one axis is stretched: from how many elements to how many, and by what the coordinates are. */
export interface ResizedAxis {
  readonly axis: number
  readonly from: number
  readonly to: number
  readonly scale: number
}

interface Resizing {
  readonly node: NodeProto
  readonly x: TensorType
  readonly scales: readonly number[] | undefined
  readonly sizes: readonly number[] | undefined
}

/** The axes of a Resize, either by factors or by the sizes wanted (Operators.md, Resize-19). */
export function resizedAxes({ node, x, scales, sizes }: Resizing): readonly ResizedAxis[] {
  const rank = x.shape.length
  const policy = stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch')
  if (policy !== 'stretch') throw new RangeError(`keeps the aspect ratio (${policy})`)
  const axes = intsAttribute(node, 'axes')?.map(axis => fromFront(axis, rank)) ?? [
    ...x.shape.keys(),
  ]
  return axes.map((axis, index) => {
    const from = x.shape[axis] ?? 0
    const [scale, size] = [scales?.[index], sizes?.[index]]
    if (size !== undefined) return { axis, from, to: size, scale: size / from }
    if (scale === undefined) throw new RangeError('neither scales nor sizes are constants')
    return { axis, from, to: Math.floor(from * scale), scale }
  })
}

const resize: TypeRule = ({ node, input, constantReals, constantInts }) => {
  const x = input(0)
  const axes = resizedAxes({ node, x, scales: constantReals(2), sizes: constantInts(3) })
  const shape = [...x.shape]
  for (const { axis, to } of axes) shape[axis] = to
  return [{ elementType: x.elementType, shape }]
}

export const resizeTypes = { Resize: resize } satisfies Record<string, TypeRule>
