import type { Comparison, GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import type { ForwardNode, GradientRule } from './gradient-rule.ts'

// Where values are equal, the comparison decides which one the gradient goes to.
export const selectionGradients = {
  // y = min(max(x, low), high)
  // dx = dy · [low ≤ x ≤ high]            (on the bounds, too, as PyTorch has it)
  // dlow = dy · [x < low ≤ high]          dhigh = dy · [high < max(x, low)]
  Clip: ({ inputs: [x, low, high], outputGradients: [dy], opType }, graph) => {
    if (!x || !dy) throw new RangeError(`${opType} takes at least one input`)
    const times = (gradient: ValueName, comparison: Comparison, a: ValueName, b: ValueName) =>
      graph.mul(gradient, graph.mask(comparison, a, b))
    const belowHigh = high ? times(dy, 'LessOrEqual', x, high) : dy
    const dx = low ? times(belowHigh, 'GreaterOrEqual', x, low) : belowHigh
    const lowWins = low && times(dy, 'Less', x, low)
    const dlow = lowWins && high ? times(lowWins, 'LessOrEqual', low, high) : lowWins
    const dhigh = high && times(dy, 'Less', high, low ? graph.emit('Max', [x, low]) : x)
    return [dx, dlow || null, dhigh || null]
  },

  // y = max xᵢ       dxᵢ = dy · [xᵢ = y] / n    (n equal ones share it, as PyTorch has it)
  Max: sharedByWinners,
  Min: sharedByWinners,

  // y = c ? a : b    da = c ? dy : 0      db = c ? 0 : dy
  Where: ({ inputs: [condition], outputGradients: [dy], opType }, graph) => {
    if (!condition || !dy) throw new RangeError(`${opType} takes three inputs`)
    const zero = graph.scalar(0, dy)
    return [null, graph.where(condition, dy, zero), graph.where(condition, zero, dy)]
  },
} satisfies Record<string, GradientRule>

function sharedByWinners(
  { inputs, outputs: [y], outputGradients: [dy], opType }: ForwardNode,
  graph: GraphEmitter,
): (ValueName | null)[] {
  if (!y || !dy) throw new RangeError(`${opType} has one output`)
  const isWinner = inputs.map(x => graph.mask('Equal', x, y))
  const share = graph.div(
    dy,
    isWinner.reduce((sum, mask) => graph.add(sum, mask)),
  )
  return isWinner.map(mask => graph.mul(share, mask))
}
