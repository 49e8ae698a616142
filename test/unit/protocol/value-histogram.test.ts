import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RowSketch } from '../../../agent/sensors/row-sketch.ts'
import { binOfFloat, SKETCH_BINS } from '../../../protocol/value-histogram.ts'

const bits = new DataView(new ArrayBuffer(4))

function binOf(value: number): number {
  bits.setFloat32(0, value, true)
  return binOfFloat(bits.getUint32(0, true))
}

describe('the bin of a float', () => {
  test('grows with the value, and its mirror image is 128 bins away', () => {
    const number = fc.float({ min: 0, noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(Math.sign(binOf(a) - binOf(b)) * Math.sign(a - b)).toBeGreaterThanOrEqual(0)
        expect(binOf(-a)).toBe(binOf(a) + 128)
      }),
    )
  })

  test('holds values that differ by a quarter of the power of two below them at most', () => {
    expect([16, 17, 19.99, 20, 24, 28, 31.9, 32].map(value => binOf(value) - binOf(16))).toEqual([
      0, 0, 0, 1, 2, 3, 3, 4,
    ])
  })

  test.each([
    [0, 0],
    [1e-9, 0],
    [1e9, 127],
    [Number.POSITIVE_INFINITY, 127],
    [Number.NaN, 127],
    [Number.NEGATIVE_INFINITY, 255],
  ])('%d falls into bin %i', (value, bin) => {
    expect(binOf(value)).toBe(bin)
  })
})

describe('the sketch of rows', () => {
  test('is nothing before the first row, then a count of values by bin, and of rows', () => {
    const sketch = new RowSketch({ element: 'float32', shape: [3] })
    expect(sketch.value).toBeNull()
    const rows = Float32Array.of(1, 1, 2, 4, 4, 4)
    sketch.add(new Uint8Array(rows.buffer), 2)
    const { kind, counts, sampleCount } = sketch.value ?? { counts: [] }
    expect([kind, counts.length, sampleCount]).toEqual(['float8-histogram', SKETCH_BINS, 2])
    expect([1, 2, 4].map(value => counts[binOf(value)])).toEqual([2, 1, 3])
  })

  test('takes rows that lie at any place of a buffer', () => {
    const bytes = new Uint8Array(9)
    bytes.set(new Uint8Array(Float32Array.of(5).buffer), 3)
    const sketch = new RowSketch({ element: 'float32', shape: [] })
    sketch.add(bytes.subarray(3, 7), 1)
    expect(sketch.value?.counts[binOf(5)]).toBe(1)
  })

  test('of bytes has a bin for each byte', () => {
    const sketch = new RowSketch({ element: 'uint8', shape: [] })
    sketch.add(Uint8Array.of(7, 7, 255), 3)
    const { counts = [] } = sketch.value ?? {}
    expect([counts[7], counts[255], sketch.value?.kind]).toEqual([2, 1, 'byte-histogram'])
  })
})
