import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { readRowFile } from '../../../training/datasets/row-file.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { npyOf } from '../../support/npy.ts'

const PAIRS = { element: 'float32', shape: [2] } as const

function file(name: string, content: string | Uint8Array): string {
  const path = join(temporaryDirectory(), name)
  writeFileSync(path, content)
  return path
}

const floats = (rows: Uint8Array) => Array.from(new Float32Array(new Uint8Array(rows).buffer))

describe('a file of rows', () => {
  test('is an npy file, with its classes in another', async () => {
    const path = file('rows.npy', npyOf([3, 2], Float32Array.of(1, 2, 3, 4, 5, 6)))
    const labels = file('labels.npy', npyOf([3], Int32Array.of(0, 1, -1)))
    const read = await readRowFile({ path, labels, ...PAIRS })
    expect(floats(read.rows)).toEqual([1, 2, 3, 4, 5, 6])
    expect([read.rowCount, read.labels]).toEqual([3, Int32Array.of(0, 1, -1)])
  })

  test('is a CSV table, of which one column may be the class', async () => {
    const path = file('rows.csv', 'a,label,b\n1,7,2\n3,8,4\n')
    const read = await readRowFile({ path, labelColumn: 'label', ...PAIRS })
    expect([floats(read.rows), read.labels]).toEqual([[1, 2, 3, 4], Int32Array.of(7, 8)])
    const whole = await readRowFile({ path, element: 'float32', shape: [3] })
    expect([floats(whole.rows), whole.labels]).toEqual([[1, 7, 2, 3, 8, 4], null])
  })

  test('is nothing but the rows, packed or not', async () => {
    const path = file('rows.bin.gz', gzipSync(new Uint8Array(Float32Array.of(1, 2).buffer)))
    expect((await readRowFile({ path, ...PAIRS })).rowCount).toBe(1)
    const bytes = await readRowFile({ path: file('text', 'abc'), element: 'uint8', shape: [] })
    expect([bytes.rowCount, Array.from(bytes.rows)]).toEqual([3, [97, 98, 99]])
  })

  test.each([
    ['rows of another width', 'rows.npy', npyOf([2, 3], new Float32Array(6)), 'rows of [2]'],
    ['a part of a row', 'rows.bin', new Uint8Array(9), '9 bytes, which are no whole rows of 8'],
    ['no bytes', 'rows.bin', new Uint8Array(), '0 bytes'],
    ['words as classes', 'rows.csv', 'a,b,label\n1,2,run\n', 'number them from 0'],
    ['half a class', 'rows.csv', 'a,b,label\n1,2,0.5\n', 'has the class 0.5'],
  ])('with %s is refused', async (_, name, content, words) => {
    const given = { path: file(name, content), ...PAIRS, labelColumn: 'label' }
    await expect(readRowFile(given)).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining(words),
    })
  })

  test('that is not there, or has too few classes, is refused', async () => {
    const missing = join(temporaryDirectory(), 'missing')
    await expect(readRowFile({ path: missing, ...PAIRS })).rejects.toThrow('cannot be read')
    const path = file('rows.npy', npyOf([3, 2], new Float32Array(6)))
    const labels = file('labels.npy', npyOf([2], new Int32Array(2)))
    await expect(readRowFile({ path, labels, ...PAIRS })).rejects.toThrow('2 classes for 3 rows')
  })

  test('of bytes refuses what is none', async () => {
    const path = file('rows.npy', npyOf([1], Float32Array.of(1.5)))
    const read = readRowFile({ path, element: 'uint8', shape: [] })
    await expect(read).rejects.toThrow('has 1.5, which is no byte')
  })
})
