import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr, intAttribute, stringAttribute } from '../onnx/attribute.ts'
import type { AttributeProto } from '../onnx/onnx-proto.ts'
import type { ForwardNode, GradientRule } from './gradient-rule.ts'

// y = x, then y[i] = u                 dx = dy, then dx[i] = 0      du = dy[i]
// y = x, then y[i] += u                dx = dy                      du = dy[i]
// y = x, then y[i] = max(y[i], u): who equals y has its gradient, in equal shares where several do.
// An index that stands twice is defined for these reductions only.
export const scatterGradients = {
  ScatterElements: (given, graph) => {
    const axis = attr.int('axis', intAttribute(given.node, 'axis', 0))
    return scattered(given, graph, {
      gather: (dy, indices) => graph.emit('GatherElements', [dy, indices], [axis]),
      scatter: (x, indices, updates, more) =>
        graph.emit('ScatterElements', [x, indices, updates], [axis, ...more]),
    })
  },

  ScatterND: (given, graph) =>
    scattered(given, graph, {
      gather: (dy, indices) => graph.emit('GatherND', [dy, indices]),
      scatter: (x, indices, updates, more) => graph.emit('ScatterND', [x, indices, updates], more),
    }),
} satisfies Record<string, GradientRule>

interface Emit {
  readonly gather: (x: ValueName, indices: ValueName) => ValueName
  readonly scatter: (
    x: ValueName,
    indices: ValueName,
    updates: ValueName,
    more: readonly AttributeProto[],
  ) => ValueName
}

function scattered(
  { node, inputs: [x, indices, updates], outputs: [y], outputGradients: [dy], opType }: ForwardNode,
  graph: GraphEmitter,
  emit: Emit,
): (ValueName | null)[] {
  if (!x || !indices || !updates || !y || !dy) throw new RangeError(`${opType} takes three inputs`)
  const reduction = stringAttribute(node, 'reduction', 'none')
  switch (reduction) {
    case 'none': {
      const zeros = graph.zeros(graph.shape(updates), dy)
      return [emit.scatter(dy, indices, zeros, []), null, emit.gather(dy, indices)]
    }
    case 'add':
      return [dy, null, emit.gather(dy, indices)]
    case 'max':
    case 'min': {
      const kept = graph.mask('Equal', x, y)
      const taken = graph.mask('Equal', updates, emit.gather(y, indices))
      const counts = emit.scatter(kept, indices, taken, [attr.string('reduction', 'add')])
      const share = graph.div(dy, counts)
      return [graph.mul(share, kept), null, graph.mul(emit.gather(share, indices), taken)]
    }
    default:
      throw new RangeError(`has no gradient rule for the reduction ${reduction}`)
  }
}
