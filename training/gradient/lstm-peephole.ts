import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
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

/** What a step computes, [B, hidden] each: its gates, and the cell before and after it. */
interface Step {
  readonly i: ValueName
  readonly o: ValueName
  readonly f: ValueName
  readonly g: ValueName
  readonly before: ValueName
  readonly after: ValueName
}

// The LSTM whose gates see the cell (Gers and Schmidhuber 2000), i and f that before the step, o that
// after it, so that nothing of the gates is known before the steps are:
// i, f = σ(x·Wᵀ + h·Rᵀ + b + p ⊙ c)      o = σ(x·Wᵀ + h·Rᵀ + b + p ⊙ c')
// do = dh' · tanh c' · o(1 − o)            dc' += dh' · o · (1 − tanh² c') + do · p
// di = dc' · g·i(1 − i)   df = dc' · c·f(1 − f)   dg = dc' · i(1 − g²)
// dc = dc' · f + di · p + df · p           dp = Σ di · c, Σ do · c', Σ df · c
export function lstmWithPeepholes(direction: Direction, peepholes: ValueName): DirectionGradients {
  const { graph, hidden, order, previous, r, dyHidden, dyCell } = direction
  const [pi = '', po = '', pf = ''] = [0, 1, 2].map(index =>
    columns(graph, peepholes, { axis: 0, from: index * hidden, to: (index + 1) * hidden }),
  )
  const steps = runSteps(direction, { pi, po, pf })
  let [dHidden, dCell] = [dyHidden, dyCell]
  const dGates = new Map<number, ValueName>()
  const dPeepholes: ValueName[] = []
  for (const time of order.toReversed()) {
    const step = steps.get(time)
    if (!step) continue
    const { i, o, f, g, before, after } = step
    const dh = hiddenGradient(direction, { time, dHidden })
    const squashed = graph.emit('Tanh', [after])
    const dO = graph.mul(graph.mul(dh, squashed), slopeOfSigmoid(graph, o))
    const throughHidden = graph.mul(dh, graph.mul(o, slopeOfTanh(graph, squashed)))
    const dc = graph.add(graph.add(dCell, throughHidden), graph.mul(dO, po))
    const dI = graph.mul(dc, graph.mul(g, slopeOfSigmoid(graph, i)))
    const dF = graph.mul(dc, graph.mul(before, slopeOfSigmoid(graph, f)))
    const dG = graph.mul(dc, graph.mul(i, slopeOfTanh(graph, g)))
    const dGate = joined(graph, [dI, dO, dF, dG], 1)
    dGates.set(time, dGate)
    dPeepholes.push(
      joined(graph, [graph.mul(dI, before), graph.mul(dO, after), graph.mul(dF, before)], 1),
    )
    dHidden = graph.emit('Gemm', [dGate, r])
    dCell = graph.add(graph.mul(dc, f), graph.add(graph.mul(dI, pi), graph.mul(dF, pf)))
  }
  const dInput = inTime(graph, dGates)
  return {
    dInput,
    dr: transposedProduct(graph, dInput, previous),
    dHiddenBias: sumOfRows(graph, dInput),
    dInitialHidden: dHidden,
    dInitialCell: dCell,
    dPeepholes: sumOfRows(graph, joined(graph, dPeepholes)),
  }
}

function runSteps(
  direction: Direction,
  { pi, po, pf }: Readonly<Record<'pi' | 'po' | 'pf', ValueName>>,
): ReadonlyMap<number, Step> {
  const { graph, hidden, order, x, previous, w, r } = direction
  const fromInput = affine(graph, { x, w, bias: direction.inputBias })
  const fromHidden = affine(graph, { x: previous, w: r, bias: direction.hiddenBias })
  const sums = stepped(graph, graph.add(fromInput, fromHidden), order.length)
  const seeing = (sum: ValueName, peephole: ValueName, cell: ValueName) =>
    graph.emit('Sigmoid', [graph.add(sum, graph.mul(peephole, cell))])
  const steps = new Map<number, Step>()
  let cell = direction.initialCell
  for (const time of order) {
    const [si = '', so = '', sf = '', sg = ''] = split(graph, sums, { time, hidden })
    const before = cell
    const [i, f] = [seeing(si, pi, before), seeing(sf, pf, before)]
    const g = graph.emit('Tanh', [sg])
    cell = graph.add(graph.mul(f, before), graph.mul(i, g))
    steps.set(time, { i, f, g, before, after: cell, o: seeing(so, po, cell) })
  }
  return steps
}

/** The four gates of a step. */
function split(
  graph: GraphEmitter,
  sums: ValueName,
  { time, hidden }: { readonly time: number; readonly hidden: number },
): readonly ValueName[] {
  const row = along(graph, sums, { axis: 0, index: time })
  return [0, 1, 2, 3].map(index =>
    columns(graph, row, { axis: 1, from: index * hidden, to: (index + 1) * hidden }),
  )
}
