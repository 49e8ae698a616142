import { z } from 'zod'

/**
 * A dense matrix, row-major. In a URP the rows are slots of the communication round and the columns
 * resource blocks or computing units; values are availability in [0, 1].
 */
export interface Matrix {
  readonly rows: number
  readonly columns: number
  readonly values: Float32Array
}

export function matrixOf(
  rows: number,
  columns: number,
  valueAt: (row: number, column: number) => number,
): Matrix {
  const values = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      values[row * columns + column] = valueAt(row, column)
    }
  }
  return { rows, columns, values }
}

export function cellOf({ columns, values }: Matrix, row: number, column: number): number {
  const value = values[row * columns + column]
  if (value === undefined) throw new RangeError(`no cell ${row}, ${column}`)
  return value
}

/** Largest accepted matrix: 4,096 slots of 1,024 columns would be 8 MiB; no CR is cut so fine. */
const CELLS_MAX = 2 ** 18

/** On the wire: availability in IEEE 754 half precision, little-endian, row-major. */
export const MatrixCodec = z.codec(
  z.strictObject({
    rows: z.int().min(0).max(4096),
    columns: z.int().min(0).max(4096),
    half: z.instanceof(Uint8Array).describe('float16 little-endian, row-major.'),
  }),
  z.custom<Matrix>(value => typeof value === 'object' && value !== null && 'values' in value),
  {
    decode: ({ rows, columns, half }, context) => {
      if (rows * columns > CELLS_MAX || half.length !== rows * columns * 2) {
        context.issues.push({
          code: 'custom',
          message: `${half.length} bytes do not hold ${rows} x ${columns} halves`,
          input: half,
        })
        return z.NEVER
      }
      const view = new DataView(half.buffer, half.byteOffset, half.byteLength)
      const values = Float32Array.from({ length: rows * columns }, (_, index) =>
        fromHalf(view.getUint16(index * 2, true)),
      )
      // Not a number is none either: one such cell would be in every sum that a round makes of it.
      const wrong = values.find(value => !(value >= 0 && value <= 1))
      if (wrong !== undefined) {
        context.issues.push({ code: 'custom', message: `${wrong} is no availability`, input: half })
        return z.NEVER
      }
      return { rows, columns, values }
    },
    encode: ({ rows, columns, values }) => {
      const half = new Uint8Array(values.length * 2)
      const view = new DataView(half.buffer)
      for (const [index, value] of values.entries()) view.setUint16(index * 2, toHalf(value), true)
      return { rows, columns, half }
    },
  },
)

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** Nearest half to a float, ties to even (IEEE 754-2019, 4.3.1). */
export function toHalf(value: number): number {
  float[0] = value
  const word = bits[0] ?? 0
  const sign = (word >>> 16) & 0x8000
  const exponent = (word >>> 23) & 0xff
  let mantissa = word & 0x7fffff
  if (exponent === 0xff) return sign | 0x7c00 | (mantissa ? 0x200 : 0)
  const halfExponent = exponent - 127 + 15
  if (halfExponent >= 31) return sign | 0x7c00
  if (halfExponent <= 0) {
    if (halfExponent < -10) return sign
    mantissa |= 0x800000
    return sign | roundedShift(mantissa, 14 - halfExponent)
  }
  // A carry out of the mantissa raises the exponent, which is what rounding up means.
  return sign | ((halfExponent << 10) + roundedShift(mantissa, 13))
}

function roundedShift(mantissa: number, shift: number): number {
  const kept = mantissa >>> shift
  const rest = mantissa & ((1 << shift) - 1)
  const half = 1 << (shift - 1)
  return rest > half || (rest === half && kept & 1) ? kept + 1 : kept
}

export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >>> 10) & 0x1f
  const mantissa = half & 0x3ff
  if (exponent === 0) return sign * mantissa * 2 ** -24
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15)
}
