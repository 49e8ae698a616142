/**
 * Pours `budget` over places with floors until one level stands everywhere, but above no cap:
 *
 *   pᵢ = min(capᵢ, max(0, μ − floorᵢ))      Σ pᵢ = budget
 *
 * With floors of 1/gᵢ that is water-filling under per-channel caps; with floors of −yᵢ it is the point
 * of {p: 0 ≤ p ≤ cap, Σ p = budget} that is nearest to y (both by their KKT conditions, Boyd and
 * Vandenberghe 2004, example 5.2 and exercise 8.16). Where the caps hold less than the budget, all are
 * full. A floor of +∞ takes nothing.
 *
 * The sum grows piecewise linearly with μ, and bends where a place begins or ends to take: O(M log M).
 */
export function fillLevel(o: {
  readonly floors: Float64Array
  readonly caps: Float64Array
  readonly budget: number
}): Float64Array {
  const level = levelOf(o)
  return o.floors.map((floor, place) => {
    if (floor === Number.POSITIVE_INFINITY) return 0
    return Math.min(o.caps[place] ?? 0, Math.max(0, level - floor))
  })
}

interface Bend {
  readonly level: number
  /** Places that begin (+1) or end (−1) to take here. */
  readonly slope: 1 | -1
}

function levelOf({ floors, caps, budget }: Parameters<typeof fillLevel>[0]): number {
  const bends: Bend[] = []
  for (const [place, floor] of floors.entries()) {
    const cap = caps[place] ?? 0
    if (floor === Number.POSITIVE_INFINITY || cap === 0) continue
    bends.push({ level: floor, slope: 1 }, { level: floor + cap, slope: -1 })
  }
  bends.sort((a, b) => a.level - b.level || b.slope - a.slope)
  let [poured, taking, at] = [0, 0, bends[0]?.level ?? 0]
  for (const { level, slope } of bends) {
    const more = taking * (level - at)
    if (poured + more >= budget && taking > 0) return at + (budget - poured) / taking
    poured += more
    taking += slope
    at = level
  }
  return at
}
