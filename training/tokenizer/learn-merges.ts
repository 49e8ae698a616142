/** The tokens below this are bytes. */
export const BYTE_TOKENS = 256

export type TokenPair = readonly [left: number, right: number]

/**
 * Pairs do not reach over the border of a word: letters, digits or signs with the space in front, or
 * spaces (after the pattern of GPT-2, for bytes: those above 127 are letters). Latin-1 makes each byte
 * a character, so that a word can be the key of a map.
 */
const WORD = / ?[A-Za-z\x80-\xff]+| ?[0-9]+| ?[^\sA-Za-z0-9\x80-\xff]+|\s+(?!\S)|\s+/g

/** The text in words, each byte a character; joined they are the text. */
export function splitWords(text: Uint8Array): readonly string[] {
  return Buffer.from(text.buffer, text.byteOffset, text.length).toString('latin1').match(WORD) ?? []
}

interface Word {
  readonly tokens: readonly number[]
  readonly count: number
}

/** The most frequent pair becomes a token, again and again (Sennrich et al. 2016, algorithm 1). */
export function learnMerges(text: Uint8Array, mergesMax: number): readonly TokenPair[] {
  const wordCounts = new Map<string, number>()
  for (const word of splitWords(text)) wordCounts.set(word, (wordCounts.get(word) ?? 0) + 1)
  const words = Array.from(wordCounts, ([word, count]): Word => {
    return { tokens: [...Buffer.from(word, 'latin1')], count }
  })
  const pairs = new PairCounts(BYTE_TOKENS + Math.max(0, mergesMax))
  for (const [index, word] of words.entries()) pairs.add(word, index)
  const merges: TokenPair[] = []
  while (merges.length < mergesMax) {
    const best = pairs.mostFrequent()
    if (!best) break
    const token = BYTE_TOKENS + merges.length
    merges.push(best.pair)
    for (const index of best.words) {
      const word = words[index]
      if (!word) continue
      const merged = { ...word, tokens: replacePair(word.tokens, best.pair, token) }
      pairs.remove(word, index)
      pairs.add(merged, index)
      words[index] = merged
    }
  }
  return merges
}

function replacePair(
  tokens: readonly number[],
  [left, right]: TokenPair,
  token: number,
): readonly number[] {
  const replaced: number[] = []
  for (let place = 0; place < tokens.length; place++) {
    const isPair = tokens[place] === left && tokens[place + 1] === right
    replaced.push(isPair ? token : (tokens[place] ?? 0))
    if (isPair) place++
  }
  return replaced
}

/** How often each pair stands in the text, and in which words. */
class PairCounts {
  readonly #vocabularySize: number
  readonly #counts = new Map<number, number>()
  readonly #words = new Map<number, Set<number>>()

  constructor(vocabularySize: number) {
    this.#vocabularySize = vocabularySize
  }

  add({ tokens, count }: Word, index: number): void {
    for (const key of this.#keys(tokens)) {
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + count)
      const words = this.#words.get(key) ?? new Set()
      this.#words.set(key, words.add(index))
    }
  }

  remove({ tokens, count }: Word, index: number): void {
    for (const key of this.#keys(tokens)) {
      const left = (this.#counts.get(key) ?? 0) - count
      this.#words.get(key)?.delete(index)
      if (left > 0) {
        this.#counts.set(key, left)
        continue
      }
      this.#counts.delete(key)
      this.#words.delete(key)
    }
  }

  /** Of equally frequent ones that of the lowest tokens; none that stands there only once. */
  mostFrequent(): { readonly pair: TokenPair; readonly words: readonly number[] } | undefined {
    let [best, most] = [-1, 1]
    for (const [key, count] of this.#counts) {
      if (count > most || (count === most && key < best)) [best, most] = [key, count]
    }
    if (best === -1) return undefined
    const pair = [Math.floor(best / this.#vocabularySize), best % this.#vocabularySize] as const
    return { pair, words: [...(this.#words.get(best) ?? [])] }
  }

  *#keys(tokens: readonly number[]): Generator<number> {
    for (let place = 1; place < tokens.length; place++) {
      yield (tokens[place - 1] ?? 0) * this.#vocabularySize + (tokens[place] ?? 0)
    }
  }
}
