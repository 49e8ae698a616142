import { quantileSorted } from 'simple-statistics'

/** Fewer rounds tell nothing about a single slot: all slots of a row are taken together. */
export const ROUNDS_FOR_SLOTS = 3

/**
 * Of each slot a quantile of what the rounds had there. A quantile below the median promises less than
 * is usual, and one odd round does not move it. NaN is not measured and does not count; null where
 * nothing was measured.
 */
export function slotQuantiles(
  rounds: readonly ArrayLike<number>[],
  { slots, quantile }: { readonly slots: number; readonly quantile: number },
): number[] | null {
  const bySlot = Array.from({ length: slots }, (_, slot) => {
    const values = knownAt(rounds, slot)
    return values.length >= ROUNDS_FOR_SLOTS ? quantileSorted(values, quantile) : Number.NaN
  })
  if (!bySlot.some(Number.isNaN)) return bySlot
  const pooled = sortedKnown(rounds.flatMap(round => Array.from(round)))
  if (pooled.length === 0) return null
  const typical = quantileSorted(pooled, quantile)
  return bySlot.map(value => (Number.isNaN(value) ? typical : value))
}

/** What the rounds had in a slot, as far as it is known, the least first. */
export function knownAt(rounds: readonly ArrayLike<number>[], slot: number): number[] {
  return sortedKnown(rounds.map(round => round[slot] ?? Number.NaN))
}

function sortedKnown(values: number[]): number[] {
  return values.filter(value => !Number.isNaN(value)).sort((a, b) => a - b)
}
