import { GainnetError } from '../../runtime/errors.ts'
import { isPattern, matchesPattern } from '../forward/name-pattern.ts'
import type { TensorType } from '../types/type-rule.ts'

/** The values that names and patterns choose, in the order of the graph; each must find one. */
export function chooseValues(
  types: ReadonlyMap<string, TensorType>,
  match: readonly string[],
): readonly string[] {
  const names = [...types.keys()]
  const chosen = new Set<string>()
  for (const text of match) {
    const found = names.filter(name =>
      isPattern(text) ? matchesPattern(text, name) : text === name,
    )
    if (found.length === 0) {
      throw new GainnetError('MODEL_INVALID', `no node of the model makes a value ${text}`, {
        match: text,
      })
    }
    for (const name of found) chosen.add(name)
  }
  return names.filter(name => chosen.has(name))
}
