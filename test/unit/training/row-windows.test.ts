import { describe, expect, test } from 'vitest'
import { rowsFor } from '../../../protocol/sample-spec.ts'
import { countWindows, cutWindows, type WindowSpec } from '../../../training/samples/row-windows.ts'
import { nextByteOf } from '../../support/sample-specs.ts'

/** Rows of two floats; models see two of them. */
const PAIRS: WindowSpec = {
  form: { element: 'float32', shape: [2] },
  windowRows: 2,
  strideRows: 1,
  inputRows: 2,
  inputElement: 'float32',
  rowsLast: false,
  labels: { kind: 'none' },
}

function rows(values: readonly number[], labels: readonly number[] | null = null) {
  return {
    rows: new Uint8Array(Float32Array.from(values).buffer),
    labels: labels && Int32Array.from(labels),
  }
}

const THREE = rows([1, 2, 3, 4, 5, 6])

describe('windows of rows', () => {
  test('are consecutive rows, one window further by the stride', () => {
    expect(cutWindows([THREE], PAIRS, 9)).toEqual({
      inputs: Float32Array.of(1, 2, 3, 4, 3, 4, 5, 6),
      inputWidth: 4,
      sampleCount: 2,
    })
    const far = { ...PAIRS, strideRows: 2 }
    expect(cutWindows([THREE], far, 9).inputs).toEqual(Float32Array.of(1, 2, 3, 4))
  })

  test('lie within one segment: nothing is joined across a gap', () => {
    const apart = [rows([1, 2, 3, 4]), rows([5, 6]), rows([7, 8, 9, 10])]
    const { inputs, sampleCount } = cutWindows(apart, PAIRS, 9)
    expect([sampleCount, countWindows(apart, PAIRS)]).toEqual([2, 2])
    expect(inputs).toEqual(Float32Array.of(1, 2, 3, 4, 7, 8, 9, 10))
  })

  test('are as many as are wanted at most, the first', () => {
    expect(cutWindows([THREE], PAIRS, 1).inputs).toEqual(Float32Array.of(1, 2, 3, 4))
  })

  test('may have their rows last, as series beside each other', () => {
    const { inputs } = cutWindows([THREE], { ...PAIRS, rowsLast: true }, 1)
    expect(inputs).toEqual(Float32Array.of(1, 3, 2, 4))
  })

  test('are scaled value by value of a row, or all alike', () => {
    const each = { ...PAIRS, scaling: { means: [1, 2], deviations: [2, 4] } }
    expect(cutWindows([THREE], each, 1).inputs).toEqual(Float32Array.of(0, 0, 1, 0.5))
    const all = { ...PAIRS, scaling: { means: [1], deviations: [2] } }
    expect(cutWindows([THREE], all, 1).inputs).toEqual(Float32Array.of(0, 0.5, 1, 1.5))
  })

  test('may begin at any byte of a buffer', () => {
    const bytes = Buffer.alloc(25)
    bytes.set(THREE.rows, 1)
    const shifted = { rows: bytes.subarray(1), labels: null }
    expect(cutWindows([shifted], PAIRS, 9)).toEqual(cutWindows([THREE], PAIRS, 9))
  })

  test('of bytes are the bytes, and the label is the byte that follows', () => {
    const text = { rows: Buffer.from('abcd'), labels: null }
    expect(cutWindows([text], nextByteOf(2), 9)).toEqual({
      inputs: Int32Array.from(Buffer.from('abbc')),
      inputWidth: 2,
      labels: Int32Array.from(Buffer.from('cd')),
      sampleCount: 2,
    })
  })

  test('with rows as labels have the rows that follow, scaled as the others', () => {
    const next: WindowSpec = {
      ...PAIRS,
      inputRows: 1,
      scaling: { means: [1], deviations: [1] },
      labels: { kind: 'rows', rows: 1, element: 'float32' },
    }
    expect(cutWindows([THREE], next, 9)).toMatchObject({
      inputs: Float32Array.of(0, 1, 2, 3),
      labels: Float32Array.of(2, 3, 4, 5),
    })
  })
})

describe('windows with a class', () => {
  const classes: WindowSpec = { ...PAIRS, labels: { kind: 'class', classes: 3 } }
  const eight = Array.from({ length: 16 }, (_, at) => at)

  test('are those whose rows have one class that is known to the model', () => {
    const labelled = rows(eight, [0, 0, 2, 2, 2, -1, -1, 1])
    const { labels, inputs, sampleCount } = cutWindows([labelled], classes, 9)
    expect(labels).toEqual(Int32Array.of(0, 2, 2))
    expect([inputs[0], inputs[4], inputs[8]]).toEqual([0, 4, 6])
    expect([sampleCount, countWindows([labelled], classes)]).toEqual([3, 3])
    expect(countWindows([rows(eight, [3, 3, 3, 3, 3, 3, 3, 3])], classes)).toBe(0)
  })

  test('are none where the rows have no classes', () => {
    expect(countWindows([rows(eight)], classes)).toBe(0)
  })
})

test('so many rows make so many samples', () => {
  const takes = { windowRows: 50, strideRows: 25 }
  expect([0, 1, 2, 3].map(count => rowsFor(takes, count))).toEqual([0, 50, 75, 100])
})
