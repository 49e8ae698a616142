/** No rate and no share of anything is larger, in whatever unit: bit/s of a thousand terabits. */
const LARGEST = 1e15

/** Mean of what was measured: not below 0 and not absurd; NaN where nothing was. */
export function meanOfKnown(values: ArrayLike<number>, from = 0, to = values.length): number {
  let sum = 0
  let known = 0
  for (let index = from; index < to; index++) {
    const value = values[index] ?? Number.NaN
    if (!(value >= 0 && value <= LARGEST)) continue
    sum += value
    known++
  }
  return known > 0 ? sum / known : Number.NaN
}
