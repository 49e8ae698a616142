import type { GraphEmitter, ValueName } from '../graph-emitter.ts'
import { attr, intAttribute, stringAttribute } from '../onnx/attribute.ts'
import type { ForwardNode, GradientRule } from './gradient-rule.ts'

// y = x, then y[i] = u                 dx = dy, then dx[i] = 0      du = dy[i]
// y = x, then y[i] += u                dx = dy                      du = dy[i]
// An index that stands twice is defined for the sum only.
export const scatterGradients = {
  ScatterElements: (given, graph) => {
    const axis = attr.int('axis', intAttribute(given.node, 'axis', 0))
    return scattered(given, graph, {
      gather: (dy, indices) => graph.emit('GatherElements', [dy, indices], [axis]),
      replace: (dy, indices, zeros) => graph.emit('ScatterElements', [dy, indices, zeros], [axis]),
    })
  },

  ScatterND: (given, graph) =>
    scattered(given, graph, {
      gather: (dy, indices) => graph.emit('GatherND', [dy, indices]),
      replace: (dy, indices, zeros) => graph.emit('ScatterND', [dy, indices, zeros]),
    }),
} satisfies Record<string, GradientRule>

function scattered(
  { node, inputs: [x, indices, updates], outputGradients: [dy], opType }: ForwardNode,
  graph: GraphEmitter,
  emit: {
    readonly gather: (dy: ValueName, indices: ValueName) => ValueName
    readonly replace: (dy: ValueName, indices: ValueName, zeros: ValueName) => ValueName
  },
): (ValueName | null)[] {
  if (!x || !indices || !updates || !dy) throw new RangeError(`${opType} takes three inputs`)
  const reduction = stringAttribute(node, 'reduction', 'none')
  if (reduction !== 'none' && reduction !== 'add') {
    throw new RangeError(`has no gradient rule for the reduction ${reduction}`)
  }
  const zeros = graph.zeros(graph.shape(updates), dy)
  const dx = reduction === 'add' ? dy : emit.replace(dy, indices, zeros)
  return [dx, null, emit.gather(dy, indices)]
}
