/** ‖a − b‖², summed in float64. */
export function squaredDistance(a: Float32Array, b: Float32Array | Float64Array): number {
  let sum = 0
  for (let at = 0; at < a.length; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0)
    sum += difference * difference
  }
  return sum
}
