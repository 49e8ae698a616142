import { GainnetError } from '../../runtime/errors.ts'

/** Values that are summed together; a multiple of four. */
const STRIDE = 4096

/**
 * The place of the first value that is infinite or not a number; -1 where there is none. Sums are
 * not finite where a value is not, which is faster than to look at each.
 */
export function findNotFinite(values: Float32Array): number {
  for (let start = 0; start < values.length; start += STRIDE) {
    const part = values.subarray(start, start + STRIDE)
    // In float64 no sum of so many float32 numbers leaves the range.
    if (Number.isFinite(sumInFour(part))) continue
    return start + part.findIndex(value => !Number.isFinite(value))
  }
  return -1
}

/** Four sums side by side, none of which waits for another. */
function sumInFour(values: Float32Array): number {
  let [a, b, c, d] = [0, 0, 0, 0]
  const whole = values.length & ~3
  for (let index = 0; index < whole; index += 4) {
    a += values[index] ?? 0
    b += values[index + 1] ?? 0
    c += values[index + 2] ?? 0
    d += values[index + 3] ?? 0
  }
  for (let index = whole; index < values.length; index++) a += values[index] ?? 0
  return a + b + c + d
}

/** Fails where a sample has a number that is none; integers always are. */
export function checkFinite(
  values: Float32Array | Int32Array,
  { sampleCount, what }: { readonly sampleCount: number; readonly what: string },
): void {
  if (values instanceof Int32Array) return
  const place = findNotFinite(values)
  if (place === -1) return
  const width = values.length / sampleCount
  const [sample, column] = [Math.floor(place / width), place % width]
  throw new GainnetError(
    'TRAINING_FAILED',
    `sample ${sample} of ${what} has ${values[place]} in column ${column}`,
    { sample, column },
  )
}
