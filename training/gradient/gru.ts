import type { ValueName } from '../graph/graph-emitter.ts'
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

// z, r = σ(x·Wᵀ + h·Rᵀ + b)      h' = (1 − z) · n + z · h     (h of the step before, h' after)
// dz = dh' · (h − n)·z(1 − z)    dn = dh' · (1 − z)(1 − n²)   both before the activations

// n = tanh(x·Wᵀ + w + r · q)  with q = h·Rᵀ + b    (linear_before_reset)
// dr = dn · q·r(1 − r)           dq = dn · r            dh = dh' · z + [dz dr dq]·R
export function gruResetAfter(direction: Direction): DirectionGradients {
  const { graph, order, previous, r } = direction
  const { update, reset, inputSum, rCandidate, candidateBias } = gruGates(direction)
  const product = affine(graph, { x: previous, w: rCandidate, bias: candidateBias })
  const candidate = graph.emit('Tanh', [graph.add(inputSum, graph.mul(reset, product))])
  const { dUpdate, dCandidate } = gruSlopes(direction, { update, candidate })
  const dReset = graph.mul(graph.mul(dCandidate, product), slopeOfSigmoid(graph, reset))
  const sides = joined(graph, [dUpdate, dReset, graph.mul(dCandidate, reset)], 1)
  const [factors, keeps] = [sides, update].map(value => stepped(graph, value, order.length))
  let { dyHidden: dHidden } = direction
  const [dStates, dSums] = [new Map<number, ValueName>(), new Map<number, ValueName>()]
  for (const time of order.toReversed()) {
    const at = (value = '') => along(graph, value, { axis: 0, index: time })
    const dh = hiddenGradient(direction, { time, dHidden })
    const dSum = graph.mul(joined(graph, [dh, dh, dh], 1), at(factors))
    dStates.set(time, dh)
    dSums.set(time, dSum)
    dHidden = graph.emit('Gemm', [dSum, r, graph.mul(dh, at(keeps))])
  }
  const dSum = inTime(graph, dSums)
  const dCandidates = graph.mul(inTime(graph, dStates), dCandidate)
  return {
    dInput: joined(graph, [gatesOf(direction, dSum, { axis: 1 }), dCandidates], 1),
    dr: transposedProduct(graph, dSum, previous),
    dHiddenBias: sumOfRows(graph, dSum),
    dInitialHidden: dHidden,
  }
}

// n = tanh(x·Wᵀ + w + s·Rᵀ + b)  with s = r · h
// ds = dn·R                      dr = ds · h·r(1 − r)   dh = dh' · z + ds · r + [dz dr]·R
export function gruResetBefore(direction: Direction): DirectionGradients {
  const { graph, order, previous } = direction
  const { update, reset, inputSum, rGates, rCandidate, candidateBias } = gruGates(direction)
  const shown = graph.mul(reset, previous)
  const hiddenSum = affine(graph, { x: shown, w: rCandidate, bias: candidateBias })
  const candidate = graph.emit('Tanh', [graph.add(inputSum, hiddenSum)])
  const { dUpdate, dCandidate } = gruSlopes(direction, { update, candidate })
  const dReset = graph.mul(previous, slopeOfSigmoid(graph, reset))
  const factors = [dUpdate, dReset, dCandidate, update, reset]
  const series = factors.map(value => stepped(graph, value, order.length))
  let { dyHidden: dHidden } = direction
  const dSums = new Map<number, ValueName>()
  for (const time of order.toReversed()) {
    const [toUpdate = '', toReset = '', toCandidate = '', z = '', r = ''] = series.map(value =>
      along(graph, value, { axis: 0, index: time }),
    )
    const dh = hiddenGradient(direction, { time, dHidden })
    const dn = graph.mul(dh, toCandidate)
    const ds = graph.emit('Gemm', [dn, rCandidate])
    const dGates = joined(graph, [graph.mul(dh, toUpdate), graph.mul(ds, toReset)], 1)
    const direct = graph.add(graph.mul(dh, z), graph.mul(ds, r))
    dSums.set(time, joined(graph, [dGates, dn], 1))
    dHidden = graph.emit('Gemm', [dGates, rGates, direct])
  }
  const dSum = inTime(graph, dSums)
  const dGates = gatesOf(direction, dSum, { axis: 1 })
  const dn = candidateOf(direction, dSum, { axis: 1 })
  const dr = [transposedProduct(graph, dGates, previous), transposedProduct(graph, dn, shown)]
  return {
    dInput: dSum,
    dr: joined(graph, dr),
    dHiddenBias: sumOfRows(graph, dSum),
    dInitialHidden: dHidden,
  }
}

/** z and r of all steps, and what the candidate n is made of. */
function gruGates(direction: Direction) {
  const { graph, hidden, x, previous, w, r, inputBias, hiddenBias } = direction
  const rGates = gatesOf(direction, r, { axis: 0 })
  const fromInput = affine(graph, { x, w, bias: inputBias })
  const gateBias = hiddenBias && gatesOf(direction, hiddenBias, { axis: 0 })
  const fromHidden = affine(graph, { x: previous, w: rGates, bias: gateBias })
  const inputGates = gatesOf(direction, fromInput, { axis: 1 })
  const gates = graph.emit('Sigmoid', [graph.add(inputGates, fromHidden)])
  return {
    update: columns(graph, gates, { axis: 1, from: 0, to: hidden }),
    reset: columns(graph, gates, { axis: 1, from: hidden, to: 2 * hidden }),
    inputSum: candidateOf(direction, fromInput, { axis: 1 }),
    rGates,
    rCandidate: candidateOf(direction, r, { axis: 0 }),
    candidateBias: hiddenBias && candidateOf(direction, hiddenBias, { axis: 0 }),
  }
}

function gruSlopes(
  { graph, previous }: Direction,
  { update, candidate }: { readonly update: ValueName; readonly candidate: ValueName },
) {
  const rest = graph.sub(graph.scalar(1, update), update)
  return {
    dUpdate: graph.mul(graph.sub(previous, candidate), slopeOfSigmoid(graph, update)),
    dCandidate: graph.mul(rest, slopeOfTanh(graph, candidate)),
  }
}

/** The parts that belong to z and r. */
function gatesOf({ graph, hidden }: Direction, x: ValueName, { axis }: { readonly axis: number }) {
  return columns(graph, x, { axis, from: 0, to: 2 * hidden })
}

/** The part that belongs to n. */
function candidateOf(
  { graph, hidden }: Direction,
  x: ValueName,
  { axis }: { readonly axis: number },
) {
  return columns(graph, x, { axis, from: 2 * hidden, to: 3 * hidden })
}
