import { attr, intAttribute, intsAttribute, stringAttribute } from '../onnx/attribute.ts'
import { type GradientRule, unary } from './gradient-rule.ts'

// y = the same elements under another shape     dx = dy under the shape of x
const reshaped = unary(({ x, dy, graph }) => graph.reshape(dy, graph.shape(x)))

export const shapeGradients = {
  // y = x with channels laid out as blocks of pixels      dx = dy with the layout undone
  DepthToSpace: unary(({ node, x, dy, graph }) => {
    const [batch = 0, channels = 0, height = 0, width = 0] = graph.shape(x)
    const block = intAttribute(node, 'blocksize', 1)
    const blocks = [batch, channels / block ** 2, height, block, width, block]
    const isColumnFirst = stringAttribute(node, 'mode', 'DCR') === 'CRD'
    const order = isColumnFirst ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4]
    return graph.reshape(graph.transpose(graph.reshape(dy, blocks), order), graph.shape(x))
  }),

  // y = x stretched  dx = dy summed over what was stretched, which the walker does
  Expand: unary(({ dy }) => dy),

  Flatten: reshaped,
  Reshape: reshaped,

  // y = x with blocks of pixels laid out as channels      dx = dy with the layout undone
  SpaceToDepth: unary(({ node, dy, graph }) =>
    graph.emit('DepthToSpace', [dy], [attr.int('blocksize', intAttribute(node, 'blocksize', 1))]),
  ),

  Squeeze: reshaped,

  // y = x repeated   dx = Σ of dy over the repetitions
  Tile: unary(({ node, x, dy, graph }) => {
    const shape = graph.shape(x)
    const repeats = graph.constantInts(node.input[1] ?? '') ?? []
    const apart = shape.flatMap((size, axis) => [repeats[axis] ?? 1, size])
    const sums = graph.sum(
      graph.reshape(dy, apart),
      shape.map((_, axis) => 2 * axis),
    )
    return graph.reshape(sums, shape)
  }),

  // y = x with axes in another order     dx = dy with the order undone
  Transpose: unary(({ node, x, dy, graph }) => {
    const axes = graph.shape(x).map((_, axis) => axis)
    const order = intsAttribute(node, 'perm') ?? axes.toReversed()
    return graph.transpose(
      dy,
      axes.map(axis => order.indexOf(axis)),
    )
  }),

  Unsqueeze: reshaped,
} satisfies Record<string, GradientRule>
