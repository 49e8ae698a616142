/** The name that was probably meant, or undefined where none is near. */
export function nearestName(wrong: string, names: Iterable<string>): string | undefined {
  let best: { readonly name: string; readonly distance: number } | undefined
  for (const name of names) {
    const distance = editDistance(wrong.toLowerCase(), name.toLowerCase())
    if (distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { name, distance }
  }
  // A third of the letters may be wrong; a name further away is another name, not a slip.
  return best && best.distance <= Math.max(2, wrong.length / 3) ? best.name : undefined
}

/** Letters to insert, delete or replace (Levenshtein 1966). */
export function editDistance(from: string, to: string): number {
  let row = [...to, ''].map((_, column) => column)
  for (const [above, letter] of [...from].entries()) {
    const next = [above + 1]
    for (const [column, other] of [...to].entries()) {
      const replaced = (row[column] ?? 0) + (letter === other ? 0 : 1)
      const deleted = (row[column + 1] ?? 0) + 1
      next.push(Math.min(replaced, deleted, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
