import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Llama2cTokenizer } from '../../../../training/tokenizer/llama2c-tokenizer.ts'
import { sharedFile } from '../../../support/directories.ts'

interface Piece {
  readonly text: string
  readonly score: number
}

const byteName = (byte: number) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`

/** The first tokens of every such file. */
const FIRST: readonly Piece[] = [
  ...['<unk>', '<s>', '</s>'].map(text => ({ text, score: 0 })),
  ...Array.from({ length: 256 }, (_, byte) => ({ text: byteName(byte), score: 0 })),
]

function fileOf(pieces: readonly Piece[]): Buffer {
  const parts = pieces.map(({ text, score }) => {
    const head = Buffer.alloc(8)
    head.writeFloatLE(score, 0)
    head.writeInt32LE(Buffer.byteLength(text), 4)
    return Buffer.concat([head, Buffer.from(text)])
  })
  return Buffer.concat([Buffer.alloc(4), ...parts])
}

const small = Llama2cTokenizer.read(
  fileOf([
    ...FIRST,
    ...[' ', 'a', 'b', 'c'].map(text => ({ text, score: -10 })),
    { text: 'ab', score: -1 },
    { text: 'bc', score: -2 },
    { text: ' ab', score: -3 },
    { text: 'aa', score: -4 },
  ]),
)
const id = { space: 259, a: 260, b: 261, c: 262, ab: 263, bc: 264, spaceAb: 265, aa: 266 }

test('the pair of the highest score is joined first, and the first of equal ones', () => {
  expect([...small.encode('abc')]).toEqual([id.spaceAb, id.c])
  expect([...small.encode('bcab')]).toEqual([id.space, id.bc, id.ab])
  expect([...small.encode('aaa')]).toEqual([id.space, id.aa, id.a])
  expect([...small.encode('')]).toEqual([])
})

test('characters that are not in the vocabulary are written as their bytes', () => {
  expect([...small.encode('é')]).toEqual([id.space, 3 + 0xc3, 3 + 0xa9])
  expect(small.decode(small.encode('aé€b'))).toBe('aé€b')
})

test('the tokens that begin and end a text are not part of it', () => {
  const { begin, end } = Llama2cTokenizer
  expect(small.decode([begin, id.spaceAb, id.c, end, id.a])).toBe('abc')
  expect(small.decode([id.ab, begin, id.a])).toBe('ab')
})

test('a file that is cut off is refused by the place', () => {
  const whole = fileOf(FIRST)
  for (const length of [whole.length - 1, 10, 5]) {
    expect(() => Llama2cTokenizer.read(whole.subarray(0, length))).toThrow(/cut off/)
  }
  const hostile = Buffer.from(whole)
  hostile.writeInt32LE(-5, 8)
  expect(() => Llama2cTokenizer.read(hostile)).toThrow(/at byte 4/)
})

test('texts come back from the tokens of stories260K', ({ skip }) => {
  const file = sharedFile('models/stories260k/tok512.bin')
  if (!file) return skip('this machine has no shared models/stories260k')
  const tokenizer = Llama2cTokenizer.read(readFileSync(file))
  expect(tokenizer.vocabularySize).toBe(512)
  const text = 'Once upon a time,\nthere was a "little" girl; Ünïcödé 1234 €.'
  expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
  expect(tokenizer.encode('Once upon a time').length).toBeLessThan(8)
})
