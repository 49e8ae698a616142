import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr, findAttribute, intAttribute, stringAttribute } from '../onnx/attribute.ts'
import type { NodeProto } from '../onnx/onnx-proto.ts'

const OTHER_FORMS = ['activations', 'clip', 'input_forget']

/**
 * All outputs of an LSTM, step by step (Operators.md, LSTM-14, without peepholes); undefined where the
 * node has another form:
 *
 *   i, o, f, c = x·Wᵀ + h·Rᵀ + b        c' = σ(f) ⊙ c + σ(i) ⊙ tanh c        h' = σ(o) ⊙ tanh c'
 */
export function composeLstm(
  graph: GraphEmitter,
  node: NodeProto,
): readonly ValueName[] | undefined {
  const isOther = OTHER_FORMS.some(name => findAttribute(node, name))
  if (node.opType !== 'LSTM' || isOther || intAttribute(node, 'layout', 0) !== 0) return undefined
  if (node.input[4] || node.input[7]) return undefined
  const [, , recurrent = ''] = node.input
  const [directions = 0] = graph.shape(recurrent)
  const runs = Array.from({ length: directions }, (_, direction) => run(graph, node, direction))
  return [
    join(
      graph,
      runs.map(({ y }) => y),
      1,
    ),
    join(
      graph,
      runs.map(({ h }) => h),
      0,
    ),
    join(
      graph,
      runs.map(({ c }) => c),
      0,
    ),
  ]
}

/** One direction over all steps: [steps, 1, batch, hidden], and the last states, [1, batch, hidden]. */
function run(graph: GraphEmitter, node: NodeProto, direction: number) {
  const [x = '', weights = '', recurrent = '', bias, , hidden, cell] = node.input
  const [steps = 0, batch = 0, inputSize = 0] = graph.shape(x)
  const [directions = 0, gateRows = 0, size = 0] = graph.shape(recurrent)
  const of = (value: ValueName, shape: readonly number[]) =>
    graph.reshape(part(graph, value, { axis: 0, from: direction, to: direction + 1 }), shape)
  const zeros = (shape: readonly number[]) => graph.zeros([directions, ...shape], x)
  const biases = of(bias || zeros([2 * gateRows]), [2, gateRows])
  const given = {
    w: graph.transpose(of(weights, [gateRows, inputSize]), [1, 0]),
    r: graph.transpose(of(recurrent, [gateRows, size]), [1, 0]),
    b: graph.reshape(graph.sum(biases, [0]), [gateRows]),
  }
  const state = [batch, size]
  let h = of(hidden || zeros(state), state)
  let c = of(cell || zeros(state), state)
  const order = [...new Array(steps).keys()]
  if (direction === 1 || stringAttribute(node, 'direction', 'forward') === 'reverse') {
    order.reverse()
  }
  const shown = new Array<ValueName>(steps).fill('')
  for (const time of order) {
    const row = part(graph, x, { axis: 0, from: time, to: time + 1 })
    ;({ h, c } = step(graph, { ...given, input: graph.reshape(row, [batch, inputSize]), h, c }))
    shown[time] = graph.reshape(h, [1, 1, batch, size])
  }
  const last = [1, batch, size]
  return { y: join(graph, shown, 0), h: graph.reshape(h, last), c: graph.reshape(c, last) }
}

function step(
  graph: GraphEmitter,
  given: Readonly<Record<'w' | 'r' | 'b' | 'input' | 'h' | 'c', ValueName>>,
): { readonly h: ValueName; readonly c: ValueName } {
  const { w, r, b, input, h, c } = given
  const sums = graph.add(graph.add(graph.matMul(input, w), graph.matMul(h, r)), b)
  const [, size = 0] = graph.shape(h)
  const gate = (index: number, activation: string) =>
    graph.emit(activation, [
      part(graph, sums, { axis: 1, from: index * size, to: (index + 1) * size }),
    ])
  const kept = graph.mul(gate(2, 'Sigmoid'), c)
  const next = graph.add(kept, graph.mul(gate(0, 'Sigmoid'), gate(3, 'Tanh')))
  return { c: next, h: graph.mul(gate(1, 'Sigmoid'), graph.emit('Tanh', [next])) }
}

function part(
  graph: GraphEmitter,
  x: ValueName,
  { axis, from, to }: { readonly axis: number; readonly from: number; readonly to: number },
): ValueName {
  return graph.emit('Slice', [x, graph.ints([from]), graph.ints([to]), graph.ints([axis])])
}

function join(graph: GraphEmitter, parts: readonly ValueName[], axis: number): ValueName {
  const [only = '', ...others] = parts
  return others.length === 0 ? only : graph.emit('Concat', parts, [attr.int('axis', axis)])
}
