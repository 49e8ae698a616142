import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BytePairTokenizer } from '../../../../training/tokenizer/byte-pair-tokenizer.ts'
import { readTinyShakespeare } from '../../../support/tiny-shakespeare.ts'

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text))

test('the most frequent pair becomes the first token, and pairs of tokens the next ones', () => {
  // "low" 4 times, " low" and its parts after it: lo, low, then " low".
  const tokenizer = BytePairTokenizer.learn(bytesOf('low low low lot'), { vocabularySize: 259 })
  expect(tokenizer.merges).toEqual([
    [0x6c, 0x6f],
    [0x20, 256],
    [257, 0x77],
  ])
  expect([...tokenizer.encode(bytesOf('low low lo'))]).toEqual([256, 0x77, 258, 257])
})

test('of equally frequent pairs that of the lower tokens is taken', () => {
  const tokenizer = BytePairTokenizer.learn(bytesOf('cdab cdab'), { vocabularySize: 257 })
  expect(tokenizer.merges).toEqual([[0x61, 0x62]])
})

test('learning ends where no pair stands twice', () => {
  const tokenizer = BytePairTokenizer.learn(bytesOf('abcdef'), { vocabularySize: 1000 })
  expect(tokenizer.vocabularySize).toBe(256)
  expect(BytePairTokenizer.learn(new Uint8Array(), { vocabularySize: 300 }).merges).toEqual([])
})

const learned = BytePairTokenizer.learn(
  bytesOf('the cat sat on the mat, the rat sat on the hat; 1234 1234 ééé ééé aaaaaaaaaa'),
  { vocabularySize: 300 },
)

test('any bytes come back as they were', () => {
  const words = fc.constantFrom('the', ' the', 'sat on', '1234', 'é', '\n\n ', 'aaaaaaa', '\xa0')
  const text = fc.array(words).map(parts => bytesOf(parts.join('')))
  const check = (bytes: Uint8Array) => {
    expect(learned.decode(learned.encode(bytes))).toEqual(new Uint8Array(bytes))
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check), { seed: 1, numRuns: 300 })
  fc.assert(fc.property(text, check), { seed: 2, numRuns: 300 })
})

test('a tokenizer is its merges', () => {
  const again = new BytePairTokenizer(JSON.parse(JSON.stringify(learned.merges)))
  const text = bytesOf('the hat, the sea')
  expect(again.encode(text)).toEqual(learned.encode(text))
})

test('tokens are as in the naive algorithm: the best pair of a word at a time', () => {
  const naive = (word: string) => {
    let tokens = [...Buffer.from(word)]
    for (const [rank, [left, right]] of learned.merges.entries()) {
      const next: number[] = []
      for (let place = 0; place < tokens.length; place++) {
        const isPair = tokens[place] === left && tokens[place + 1] === right
        next.push(isPair ? 256 + rank : (tokens[place] ?? 0))
        if (isPair) place++
      }
      tokens = next
    }
    return tokens
  }
  const word = fc.string({
    unit: fc.constantFrom('t', 'h', 'e', 'a', 's', 'o', 'n'),
    maxLength: 20,
  })
  fc.assert(
    fc.property(word, text => {
      expect([...learned.encode(bytesOf(text))]).toEqual(naive(text))
    }),
    { seed: 3, numRuns: 300 },
  )
})

test('merges of tokens there are not yet, and unknown tokens, are refused', () => {
  expect(() => new BytePairTokenizer([[97, 256]])).toThrow(/merge 0 is of tokens/)
  expect(() => new BytePairTokenizer([[97, -1]])).toThrow(/merge 0 is of tokens/)
  expect(() => learned.decode([9999])).toThrow(/no token 9999/)
})

test('a book takes fewer tokens than bytes, the same ones each time', ({ skip }) => {
  const text = readTinyShakespeare()?.subarray(0, 200_000)
  if (!text) return skip('this machine has no shared data/text-tinyshakespeare')
  const [first, second] = [text, text].map(bytes =>
    BytePairTokenizer.learn(bytes, { vocabularySize: 512 }),
  )
  expect(first?.merges).toEqual(second?.merges)
  const tokens = first?.encode(text) ?? new Int32Array()
  expect(text.length / tokens.length).toBeGreaterThan(1.8)
  expect(Buffer.from(first?.decode(tokens) ?? []).equals(text)).toBe(true)
})
