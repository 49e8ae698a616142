import { describe, expect, test } from 'vitest'
import { fromHalf, MatrixCodec, matrixOf, toHalf } from '../../../protocol/matrix.ts'

/** Sixteen bits as they stand on the wire. */
function wireOf(...halves: readonly number[]) {
  return { rows: 1, columns: halves.length, half: new Uint8Array(Uint16Array.from(halves).buffer) }
}

describe('halves', () => {
  // IEEE 754-2019, table 3.5; the values of Wikipedia's "Half-precision floating-point format".
  test.each([
    [0x0001, 2 ** -24],
    [0x03ff, (1023 / 1024) * 2 ** -14],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x3bff, 0.99951171875],
    [0x3c00, 1],
    [0x3c01, 1.0009765625],
    [0x7bff, 65504],
    [0xc000, -2],
  ])('%i is %d, both ways', (half, value) => {
    expect(fromHalf(half)).toBe(value)
    expect(toHalf(value)).toBe(half)
  })

  test('zero, infinity and not a number keep their kind and sign', () => {
    expect([0x0000, 0x8000].map(fromHalf)).toEqual([0, -0])
    expect([0x7c00, 0xfc00].map(fromHalf)).toEqual([Infinity, -Infinity])
    expect([toHalf(-0), toHalf(Infinity), toHalf(-1e9)]).toEqual([0x8000, 0x7c00, 0xfc00])
    expect(fromHalf(toHalf(Number.NaN))).toBeNaN()
  })

  test('between two of them the nearer one is taken, and the even one in the middle', () => {
    // Around 1 halves are 2^-10 apart, below it 2^-11.
    expect(toHalf(1 + 2 ** -11)).toBe(0x3c00)
    expect(toHalf(1 + 3 * 2 ** -11)).toBe(0x3c02)
    expect(toHalf(1 + 2 ** -11 + 2 ** -20)).toBe(0x3c01)
    expect(toHalf(1 - 2 ** -12)).toBe(0x3c00)
    expect(toHalf(2 ** -25)).toBe(0)
    expect(toHalf(2 ** -25 + 2 ** -40)).toBe(1)
    expect(toHalf(65520)).toBe(0x7c00)
    expect(toHalf(65519)).toBe(0x7bff)
  })
})

describe('a matrix on the wire', () => {
  test('comes back as it was, to the precision of halves', () => {
    const matrix = matrixOf(3, 4, (row, column) => (row * 4 + column) / 16)
    const decoded = MatrixCodec.decode(MatrixCodec.encode(matrix))
    expect(decoded).toEqual(matrix)
  })

  test('is read wherever in a larger packet it lies', () => {
    const packet = Uint8Array.of(9, 9, 9, 0x00, 0x3c, 0x00, 0x38)
    const half = packet.subarray(3)
    const { values } = MatrixCodec.decode({ rows: 1, columns: 2, half })
    expect([...values]).toEqual([1, 0.5])
  })

  test.each([
    ['a cell too few', { rows: 2, columns: 2, half: new Uint8Array(6) }, '6 bytes do not hold'],
    ['a byte too many', { rows: 1, columns: 1, half: new Uint8Array(3) }, '3 bytes do not hold'],
    ['more cells than any CR has', { rows: 4096, columns: 4096, half: new Uint8Array(0) }, 'hold'],
    ['not a number', wireOf(0x3c00, 0x7e00), 'NaN is no availability'],
    ['infinity', wireOf(0x7c00), 'Infinity is no availability'],
    ['less than nothing', wireOf(0xbc00), '-1 is no availability'],
    ['more than all', wireOf(0x3c01), '1.0009765625 is no availability'],
  ])('with %s is refused', (_, wire, words) => {
    const { success, error } = MatrixCodec.safeDecode(wire)
    expect(success).toBe(false)
    expect(error?.issues[0]?.message).toContain(words)
  })
})
