import type { ValueName } from '../graph/graph-emitter.ts'
import { lstmWithPeepholes } from './lstm-peephole.ts'
import {
  affine,
  along,
  columns,
  type Direction,
  type DirectionGradients,
  hiddenGradient,
  inTime,
  joined,
  slopeOfSigmoid,
  slopeOfTanh,
  stepped,
  sumOfRows,
  transposedProduct,
} from './recurrent-direction.ts'

// i, o, f = σ(x·Wᵀ + h·Rᵀ + b)   g = tanh(x·Wᵀ + h·Rᵀ + b)   (h, c of the step before; so c', h' after)
// c' = f · c + i · g              h' = o · tanh c'
// dc' += dh' · o · (1 − tanh² c')                            dc = dc' · f
// and before the activations, where every factor but dc' and dh' is known for all steps at once:
// di = dc' · g·i(1 − i)   do = dh' · tanh c' · o(1 − o)   df = dc' · c·f(1 − f)   dg = dc' · i(1 − g²)
export function lstm(direction: Direction): DirectionGradients {
  const { graph, order, previous, r, dyHidden, dyCell, peepholes } = direction
  if (peepholes) return lstmWithPeepholes(direction, peepholes)
  const { f, cellFactors, gateFactors } = lstmFactors(direction)
  let [dHidden, dCell] = [dyHidden, dyCell]
  const dGates = new Map<number, ValueName>()
  for (const time of order.toReversed()) {
    const dh = hiddenGradient(direction, { time, dHidden })
    const throughHidden = graph.mul(dh, along(graph, cellFactors, { axis: 0, index: time }))
    const dc = graph.add(dCell, throughHidden)
    const dGate = graph.mul(
      joined(graph, [dc, dh, dc, dc], 1),
      along(graph, gateFactors, { axis: 0, index: time }),
    )
    dGates.set(time, dGate)
    dHidden = graph.emit('Gemm', [dGate, r])
    dCell = graph.mul(dc, along(graph, f, { axis: 0, index: time }))
  }
  const dInput = inTime(graph, dGates)
  return {
    dInput,
    dr: transposedProduct(graph, dInput, previous),
    dHiddenBias: sumOfRows(graph, dInput),
    dInitialHidden: dHidden,
    dInitialCell: dCell,
  }
}

/** The cell states step by step, and what follows from them for all steps, each [S, B, …]. */
function lstmFactors(direction: Direction) {
  const { graph, hidden, order, x, previous, w, r, initialCell } = direction
  const fromInput = affine(graph, { x, w, bias: direction.inputBias })
  const fromHidden = affine(graph, { x: previous, w: r, bias: direction.hiddenBias })
  const gates = stepped(graph, graph.add(fromInput, fromHidden), order.length)
  const gate = (index: number) =>
    columns(graph, gates, { axis: 2, from: index * hidden, to: (index + 1) * hidden })
  const sigmoid = (index: number) => graph.emit('Sigmoid', [gate(index)])
  const [i, o, f] = [sigmoid(0), sigmoid(1), sigmoid(2)]
  const g = graph.emit('Tanh', [gate(3)])
  const added = graph.mul(i, g)
  const before = new Map<number, ValueName>()
  const after = new Map<number, ValueName>()
  let cell = initialCell
  for (const time of order) {
    before.set(time, cell)
    const kept = graph.mul(along(graph, f, { axis: 0, index: time }), cell)
    cell = graph.add(kept, along(graph, added, { axis: 0, index: time }))
    after.set(time, cell)
  }
  const squashed = stepped(graph, graph.emit('Tanh', [inTime(graph, after)]), order.length)
  const cells = stepped(graph, inTime(graph, before), order.length)
  const gateFactors = [
    graph.mul(g, slopeOfSigmoid(graph, i)),
    graph.mul(squashed, slopeOfSigmoid(graph, o)),
    graph.mul(cells, slopeOfSigmoid(graph, f)),
    graph.mul(i, slopeOfTanh(graph, g)),
  ]
  return {
    f,
    cellFactors: graph.mul(o, slopeOfTanh(graph, squashed)),
    gateFactors: joined(graph, gateFactors, 2),
  }
}
