import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readHeldBackText, unigramBitsPerByte } from '../../../controller/models/held-back-text.ts'
import { temporaryDirectory } from '../../support/directories.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

describe('held-back text', () => {
  test('is a file up to its bound', async () => {
    const path = join(temporaryDirectory(), 'text')
    writeFileSync(path, 'abcdefgh')
    expect(text(await readHeldBackText(path, 100))).toBe('abcdefgh')
    expect(text(await readHeldBackText(path, 3))).toBe('abc')
  })

  test('is an equal share of each file below a folder, in the order of their names', async () => {
    const folder = temporaryDirectory()
    mkdirSync(join(folder, 'b'))
    writeFileSync(join(folder, 'c'), 'c'.repeat(100))
    writeFileSync(join(folder, 'b', 'x'), 'b'.repeat(100))
    writeFileSync(join(folder, 'a'), 'a')
    expect(text(await readHeldBackText(folder, 9))).toBe('abbbccc')
    expect(await readHeldBackText(folder, 2)).toHaveLength(2)
  })

  test.each([
    ['nothing there', (folder: string) => join(folder, 'missing'), 'cannot read'],
    ['an empty folder', (folder: string) => folder, 'no text in'],
  ])('%s is a mistake of the config that the sentence names', async (_, pathOf, words) => {
    const path = pathOf(temporaryDirectory())
    await expect(readHeldBackText(path, 9)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(new RegExp(`^models\\.evaluation\\.path: ${words} ${path}`)),
    })
  })
})

test.each([
  ['one byte over and over', [9, 9, 9, 9], 0],
  ['two bytes alike', [1, 2, 1, 2], 1],
  ['four bytes alike', [1, 2, 3, 4], 2],
  ['one byte three times out of four', [1, 1, 1, 2], 0.811278],
  ['every byte alike', Array.from({ length: 256 }, (_, byte) => byte), 8],
])('the unigram entropy of %s', (_, bytes, bits) => {
  expect(unigramBitsPerByte(Uint8Array.from(bytes))).toBeCloseTo(bits, 5)
})
