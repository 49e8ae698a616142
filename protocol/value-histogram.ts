import type { RowForm } from './row-form.ts'
import type { DataSketch } from './urp.ts'

/** As many as a byte has values. */
export const SKETCH_BINS = 256

/** Exponents that a float8 of 5 exponent bits has: 2^-15 to 2^16, sixteen times finer than needed. */
const EXPONENT_MIN = -15
const EXPONENT_MAX = 16

export function sketchKindOf({ element }: Pick<RowForm, 'element'>): DataSketch['kind'] {
  return element === 'uint8' ? 'byte-histogram' : 'float8-histogram'
}

/** Adds the values of rows, little endian, to their bins. */
export function addToHistogram(
  counts: Float64Array,
  rows: Uint8Array,
  element: RowForm['element'],
): void {
  if (element === 'uint8') {
    for (const byte of rows) counts[byte] = (counts[byte] ?? 0) + 1
    return
  }
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength)
  for (let at = 0; at < rows.length; at += 4) {
    const bin = binOfFloat(view.getUint32(at, true))
    counts[bin] = (counts[bin] ?? 0) + 1
  }
}

/**
 * Bin of a float32, given as its bits: sign, exponent and two bits of mantissa, as the 8-bit form
 * E5M2 cuts numbers (Micikevicius et al. 2022, arXiv 2209.05433, 3), less its infinities. Every
 * sensor so has the same bins without a scale that somebody would have to know, and a bin is as
 * wide as a fifth of its values. What is too small falls to zero, what is too large or no number
 * into the last bin.
 */
export function binOfFloat(bits: number): number {
  const sign = bits >>> 31
  const exponent = ((bits >>> 23) & 0xff) - 127
  if (exponent < EXPONENT_MIN) return sign << 7
  if (exponent > EXPONENT_MAX) return (sign << 7) | 0x7f
  return (sign << 7) | ((exponent - EXPONENT_MIN) << 2) | ((bits >>> 21) & 3)
}
