import { describe, expect, test } from 'vitest'
import { hasCode } from '../../../../runtime/errors.ts'
import { parseCsv, parseCsvTable } from '../../../../training/datasets/csv.ts'
import { isIdx, parseIdx } from '../../../../training/datasets/idx.ts'
import { splitTable } from '../../../../training/datasets/labelled.ts'
import { isNpy, parseNpy } from '../../../../training/datasets/npy.ts'

function refusal(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (hasCode(error, 'DATA_INVALID')) return error.message
    throw error
  }
  return 'not refused'
}

describe('a CSV file', () => {
  test.each([
    [
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a,b\r\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['\uFEFFa\n"x, ""y""\nz"\n', [['a'], ['x, "y"\nz']]],
    [
      'a,b\n\n1,\n',
      [
        ['a', 'b'],
        ['1', ''],
      ],
    ],
    [
      'a,b\n1,',
      [
        ['a', 'b'],
        ['1', ''],
      ],
    ],
    ['', []],
  ])('%j is read by RFC 4180', (text, records) => {
    expect(parseCsv(text, 'x.csv')).toEqual(records)
  })

  test.each([
    ['a\n"1', 'x.csv has a stray quote at character 2'],
    ['a\n1"2\n', 'x.csv has a stray quote at character 2'],
    ['a,b\n1,2,3\n', 'x.csv has 3 fields in row 1, its header 2'],
    ['a,b\n', 'x.csv has no row below its header'],
  ])('%j is refused by its place', (text, message) => {
    expect(refusal(() => parseCsvTable(text, 'x.csv'))).toBe(message)
  })

  test('gives numbers as inputs and words as classes in alphabetical order', () => {
    const table = parseCsvTable('kind,x,y\ndog,1,2\ncat,3,4\ndog,5,6\n', 'x.csv')
    const { inputs, labels, classNames } = splitTable(table, 'kind', 'x.csv')
    expect(inputs).toEqual({ shape: [3, 2], values: Float32Array.of(1, 2, 3, 4, 5, 6) })
    expect({ labels: [...(labels?.values ?? [])], classNames }).toEqual({
      labels: [1, 0, 1],
      classNames: ['cat', 'dog'],
    })
  })

  test('takes the last column as labels and names the field that is no number', () => {
    const table = parseCsvTable('x,y\n1,0\n?,1\n', 'x.csv')
    expect(refusal(() => splitTable(table, undefined, 'x.csv'))).toBe(
      'x.csv has "?" in row 2, column x',
    )
    expect(refusal(() => splitTable(table, 'z', 'x.csv'))).toBe('x.csv has no column z, but x, y')
  })
})

describe('an IDX file', () => {
  const images = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 255)

  test('gives its bytes in the shape of its header', () => {
    expect(isIdx(images)).toBe(true)
    expect(parseIdx(images, 'x')).toEqual({ shape: [1, 2, 2], values: Uint8Array.of(1, 2, 3, 255) })
  })

  test.each([
    ['int16', [0, 0, 11, 1, 0, 0, 0, 1, 255, 254], [-2]],
    ['int32', [0, 0, 12, 1, 0, 0, 0, 1, 0, 0, 1, 0], [256]],
    ['float32', [0, 0, 13, 1, 0, 0, 0, 1, 0x3f, 0x80, 0, 0], [1]],
    ['float64', [0, 0, 14, 1, 0, 0, 0, 1, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0], [1]],
  ])('of %s is read as big-endian', (_, bytes, values) => {
    expect([...parseIdx(Uint8Array.from(bytes), 'x').values]).toEqual(values)
  })

  test('that is cut, too long or hostile is refused with both sizes', () => {
    expect(refusal(() => parseIdx(images.subarray(0, 19), 'x'))).toBe(
      'x has 19 bytes where its header says 20',
    )
    expect(refusal(() => parseIdx(images.subarray(0, 9), 'x'))).toContain('ends in its header')
    const huge = Uint8Array.of(0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255)
    expect(refusal(() => parseIdx(huge, 'x'))).toContain('states the shape')
  })
})

describe('an npy file', () => {
  function npy(header: string, body: readonly number[], version = 1): Uint8Array {
    const length = version === 1 ? [header.length, 0] : [header.length, 0, 0, 0]
    const magic = [0x93, ...Buffer.from('NUMPY'), version, 0]
    // As a file is read: a Buffer, which may be a part of a larger one.
    return Buffer.from([0, ...magic, ...length, ...Buffer.from(header), ...body]).subarray(1)
  }
  const header = (type: string, shape: string, order = 'False') =>
    `{'descr': '${type}', 'fortran_order': ${order}, 'shape': (${shape}), }\n`

  test.each([
    ['<f4', [0, 0, 128, 63], [1]],
    ['<f8', [0, 0, 0, 0, 0, 0, 240, 63], [1]],
    ['<i4', [254, 255, 255, 255], [-2]],
    ['<i8', [7, 0, 0, 0, 0, 0, 0, 0], [7n]],
    ['|u1', [200], [200]],
  ])('of %s is read in versions 1 and 2', (type, body, values) => {
    for (const version of [1, 2]) {
      const bytes = npy(header(type, '1,'), body, version)
      expect(isNpy(bytes)).toBe(true)
      const array = parseNpy(bytes, 'x')
      expect(array.shape).toEqual([1])
      expect([...array.values]).toEqual(values)
    }
  })

  test.each([
    [npy(header('<f4', '2, 3', 'True'), []), 'is in Fortran order'],
    [npy(header('<f4', '2, 3'), [1]), 'where its header says'],
    [npy(header('<c8', '1,'), []), 'holds <c8'],
    [npy(header('|u1', '9999999, 9999999'), []), 'states the shape'],
    [npy('{}', []), 'has the header {}'],
    [npy(header('|u1', '1,'), [1], 3), 'is npy of version 3'],
    [npy(header('|u1', '1,'), [1]).subarray(0, 30), 'ends in its header'],
  ])('is refused by what is wrong with it (%#)', (bytes, message) => {
    expect(refusal(() => parseNpy(bytes, 'x'))).toContain(message)
  })
})
