import { stringAttribute } from '../onnx/attribute.ts'
import type { NodeProto } from '../onnx/onnx-proto.ts'
import type { TypeRule } from './type-rule.ts'

export interface EinsumTerms {
  /** The letters of each operand's axes. */
  readonly operands: readonly string[]
  readonly output: string
  readonly sizes: ReadonlyMap<string, number>
}

/**
 * Reads an equation as Operators.md (Einsum-12) has it, 'bhqd,bhkd->bhqk', say. A letter may stand
 * once in an operand; diagonals and "..." are refused.
 */
export function einsumTerms(node: NodeProto, shapes: readonly (readonly number[])[]): EinsumTerms {
  const equation = stringAttribute(node, 'equation', '').replaceAll(' ', '')
  const refuse = (why: string): never => {
    throw new RangeError(`the equation ${equation} ${why}`)
  }
  const [left = '', right] = equation.split('->')
  const operands = left.split(',')
  const letters = operands.join('')
  // Without an arrow, the letters that stand once, in alphabetical order.
  const once = [...letters].filter(letter => letters.split(letter).length === 2)
  const output = right ?? once.toSorted().join('')
  for (const term of [...operands, output]) {
    const isPlain = /^[a-zA-Z]*$/.test(term) && new Set(term).size === term.length
    if (!isPlain) refuse('has a repeated index or an ellipsis')
  }
  if (operands.some((term, index) => term.length !== shapes[index]?.length)) {
    refuse('does not fit the operands')
  }
  const places = operands.flatMap((term, index) =>
    [...term].map((letter, axis) => ({ letter, size: shapes[index]?.[axis] ?? 0 })),
  )
  const sizes = new Map(places.map(({ letter, size }) => [letter, size]))
  const other = places.find(({ letter, size }) => sizes.get(letter) !== size)
  if (other) refuse(`gives ${other.letter} two sizes`)
  if ([...output].some(letter => !sizes.has(letter))) refuse('makes an index that no operand has')
  return { operands, output, sizes }
}

const einsum: TypeRule = ({ node, inputs, input }) => {
  const { output, sizes } = einsumTerms(
    node,
    inputs.map(type => type?.shape ?? []),
  )
  const shape = [...output].map(letter => sizes.get(letter) ?? 0)
  return [{ elementType: input(0).elementType, shape }]
}

export const einsumTypes = { Einsum: einsum } satisfies Record<string, TypeRule>
