import { attr, intAttribute, intsAttribute } from '../onnx/attribute.ts'
import { fromFront } from '../types/type-rule.ts'
import { type GradientRule, unary } from './gradient-rule.ts'

// y = the same elements under another shape     dx = dy under the shape of x
const reshaped = unary(({ x, dy, graph }) => graph.reshape(dy, graph.shape(x)))

export const shapeGradients = {
  // y = [x₁ x₂ …]    dxᵢ = the part of dy that came from xᵢ
  Concat: ({ node, inputs, opType, outputGradients: [dy] }, graph) => {
    if (!dy) throw new RangeError(`${opType} takes at least one input`)
    const axis = fromFront(intAttribute(node, 'axis', 0), graph.shape(dy).length)
    let start = 0
    return inputs.map(input => {
      const end = start + (graph.shape(input)[axis] ?? 0)
      const bounds = [graph.ints([start]), graph.ints([end]), graph.ints([axis])]
      start = end
      return graph.emit('Slice', [dy, ...bounds])
    })
  },

  // y = x stretched  dx = dy summed over what was stretched, which the walker does
  Expand: unary(({ dy }) => dy),

  Flatten: reshaped,
  Reshape: reshaped,
  Squeeze: reshaped,

  // y = x with axes in another order     dx = dy with the order undone
  Transpose: unary(({ node, x, dy, graph }) => {
    const axes = graph.shape(x).map((_, axis) => axis)
    const order = intsAttribute(node, 'perm') ?? axes.toReversed()
    return graph.emit(
      'Transpose',
      [dy],
      [
        attr.ints(
          'perm',
          axes.map(axis => order.indexOf(axis)),
        ),
      ],
    )
  }),

  Unsqueeze: reshaped,
} satisfies Record<string, GradientRule>
