import { GainnetError } from '../../runtime/errors.ts'
import { BYTE_TOKENS, learnMerges, splitWords, type TokenPair } from './learn-merges.ts'
import { mergePairs } from './merge-pairs.ts'

/**
 * A byte-pair tokenizer that learns its vocabulary from a text (Sennrich et al. 2016), over bytes as
 * in GPT-2 (Radford et al. 2019, section 2.2): any bytes come back as they were. Tokens 0 to 255 are
 * the bytes.
 *
 * Packages on npm that are kept up (`@huggingface/tokenizers`, `js-tiktoken`, `gpt-tokenizer`) encode
 * with vocabularies of large models and learn none.
 */
export class BytePairTokenizer {
  /** What the tokenizer is: the two tokens of which token 256 is made, 257, and so on. */
  readonly merges: readonly TokenPair[]
  readonly #ranks = new Map<number, number>()
  readonly #bytes: readonly Uint8Array[]

  constructor(merges: readonly TokenPair[]) {
    this.merges = merges
    const bytes = Array.from({ length: BYTE_TOKENS }, (_, byte) => Uint8Array.of(byte))
    for (const [rank, [left, right]] of merges.entries()) {
      const [first, second] = [bytes[left], bytes[right]]
      if (!first || !second) {
        throw new GainnetError('MODEL_CORRUPT', `merge ${rank} is of tokens there are not yet`, {
          rank,
        })
      }
      bytes.push(Buffer.concat([first, second]))
      this.#ranks.set(this.#keyOf(left, right), rank)
    }
    this.#bytes = bytes
  }

  /** Fewer tokens than asked for where the text has no pair twice any more. */
  static learn(
    text: Uint8Array,
    { vocabularySize }: { readonly vocabularySize: number },
  ): BytePairTokenizer {
    return new BytePairTokenizer(learnMerges(text, vocabularySize - BYTE_TOKENS))
  }

  get vocabularySize(): number {
    return BYTE_TOKENS + this.merges.length
  }

  encode(text: Uint8Array): Int32Array {
    const known = new Map<string, Int32Array>()
    const words = splitWords(text).map(word => {
      const tokens = known.get(word) ?? this.#encodeWord(word)
      known.set(word, tokens)
      return tokens
    })
    const tokens = new Int32Array(words.reduce((sum, { length }) => sum + length, 0))
    let offset = 0
    for (const word of words) {
      tokens.set(word, offset)
      offset += word.length
    }
    return tokens
  }

  decode(tokens: ArrayLike<number>): Uint8Array {
    const parts = Array.from(tokens, token => {
      const bytes = this.#bytes[token]
      if (bytes) return bytes
      throw new RangeError(`there is no token ${token} in a vocabulary of ${this.vocabularySize}`)
    })
    return new Uint8Array(Buffer.concat(parts))
  }

  #encodeWord(word: string): Int32Array {
    return mergePairs(Buffer.from(word, 'latin1'), (left, right) => {
      const rank = this.#ranks.get(this.#keyOf(left, right))
      return rank === undefined ? undefined : { token: BYTE_TOKENS + rank, score: -rank }
    })
  }

  #keyOf(left: number, right: number): number {
    return left * (BYTE_TOKENS + this.merges.length) + right
  }
}
