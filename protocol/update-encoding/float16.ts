/** Node.js 20 has no Float16Array. IEEE 754-2008 binary16, rounded to nearest, ties to even. */
const bits = new Uint32Array(1)
const value = new Float32Array(bits.buffer)

const SIGN = 0x8000
const INFINITY = 0x7c00
/** Exponent biases: 127 of binary32, 15 of binary16. */
const REBIAS = 127 - 15
/** Fraction bits: 23 of binary32, 10 of binary16. */
const DROPPED = 23 - 10

/** Beyond 65,504 it becomes the greatest finite number: an update must stay finite. */
export function float16Of(number: number): number {
  value[0] = number
  const word = bits[0] ?? 0
  const sign = (word >>> 16) & SIGN
  const exponent = ((word >>> 23) & 0xff) - REBIAS
  const fraction = word & 0x7f_ffff
  if (exponent >= 31) return sign | (INFINITY - 1)
  if (exponent > 0) {
    const rounded = roundedShift((exponent << 23) | fraction, DROPPED)
    return sign | Math.min(rounded, INFINITY - 1)
  }
  // Subnormal: the leading one becomes part of the fraction.
  if (exponent < -10) return sign
  return sign | roundedShift(fraction | 0x80_0000, DROPPED + 1 - exponent)
}

export function numberOfFloat16(half: number): number {
  const sign = (half & SIGN) === 0 ? 1 : -1
  const exponent = (half >>> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

function roundedShift(word: number, count: number): number {
  const kept = word >>> count
  const rest = word & (2 ** count - 1)
  const half = 2 ** (count - 1)
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept
}
