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
 * once in an operand; diagonals are refused. "..." is told by letters that the equation has not,
 * and stands for as many axes of the same sizes wherever it stands.
 */
export function einsumTerms(node: NodeProto, shapes: readonly (readonly number[])[]): EinsumTerms {
  const equation = stringAttribute(node, 'equation', '').replaceAll(' ', '')
  const refuse = (why: string): never => {
    throw new RangeError(`the equation ${equation} ${why}`)
  }
  const [given = '', right] = equation.split('->')
  const around = lettersAround(given.split(','), shapes, equation)
  const spell = (term: string) => term.replace('...', around)
  const operands = given.split(',').map(spell)
  const letters = operands.join('')
  // Without an arrow what "..." stands for, then the letters that stand once, in alphabetical order.
  const once = [...letters].filter(letter => letters.split(letter).length === 2)
  const others = once.filter(letter => !around.includes(letter)).toSorted()
  const output = spell(right ?? `...${others.join('')}`)
  for (const term of [...operands, output]) {
    const isPlain = /^[a-zA-Z]*$/.test(term) && new Set(term).size === term.length
    if (!isPlain) refuse('has a repeated index or is none')
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

/** A letter for each axis that "..." stands for, which is the same number in each operand. */
function lettersAround(
  terms: readonly string[],
  shapes: readonly (readonly number[])[],
  equation: string,
): string {
  const counts = terms.flatMap((term, index) =>
    term.includes('...') ? [(shapes[index]?.length ?? 0) - (term.length - 3)] : [],
  )
  const [count = 0] = counts
  if (count < 0 || counts.some(other => other !== count)) {
    throw new RangeError(`the equation ${equation} gives "..." different numbers of axes`)
  }
  const free = [...ALPHABET].filter(letter => !equation.includes(letter))
  if (free.length < count) throw new RangeError(`the equation ${equation} leaves no letters`)
  return free.slice(0, count).join('')
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

const einsum: TypeRule = ({ node, inputs, input }) => {
  const { output, sizes } = einsumTerms(
    node,
    inputs.map(type => type?.shape ?? []),
  )
  const shape = [...output].map(letter => sizes.get(letter) ?? 0)
  return [{ elementType: input(0).elementType, shape }]
}

export const einsumTypes = { Einsum: einsum } satisfies Record<string, TypeRule>
