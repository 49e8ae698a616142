import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { einsumTerms } from '../types/einsum.ts'
import type { GradientRule } from './gradient-rule.ts'

export const einsumGradients = {
  // y[o] = Σ x₁[i₁] · x₂[i₂] · …       dxₖ[iₖ] = Σ dy[o] · Π of the other operands
  // The sum runs over all letters but those of iₖ; along a letter of iₖ that stands nowhere else the
  // gradient is everywhere the same.
  Einsum: ({ node, inputs, outputGradients: [dy], opType }, graph) => {
    if (!dy) throw new RangeError(`${opType} has one output`)
    const { operands, output, sizes } = einsumTerms(
      node,
      inputs.map(input => graph.shape(input)),
    )
    return operands.map((wanted, index) => {
      const factors = [
        { value: dy, letters: output },
        ...operands
          .map((letters, other) => ({ value: inputs[other] ?? '', letters }))
          .toSpliced(index, 1),
      ]
      const known = [...wanted].filter(letter =>
        factors.some(({ letters }) => letters.includes(letter)),
      )
      const sum = contract(graph, factors, known.join(''))
      const size = (letter: string) => sizes.get(letter) ?? 0
      const kept = [...wanted].map(letter => (known.includes(letter) ? size(letter) : 1))
      const whole = [...wanted].map(size)
      if (known.length === wanted.length) return sum
      return graph.emit('Expand', [graph.reshape(sum, kept), graph.ints(whole)])
    })
  },
} satisfies Record<string, GradientRule>

function contract(
  graph: GraphEmitter,
  factors: readonly { readonly value: ValueName; readonly letters: string }[],
  output: string,
): ValueName {
  const equation = `${factors.map(({ letters }) => letters).join(',')}->${output}`
  return graph.emit(
    'Einsum',
    factors.map(({ value }) => value),
    [attr.string('equation', equation)],
  )
}
