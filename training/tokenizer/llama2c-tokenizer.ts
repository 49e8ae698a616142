import { GainnetError } from '../../runtime/errors.ts'
import { mergePairs } from './merge-pairs.ts'

const BEGIN = 1
const END = 2
/** Tokens of single bytes follow unknown, begin and end. */
const BYTE_TOKENS_START = 3
/** Above the vocabulary of any model that fits a board. */
const VOCABULARY_MAX = 1 << 18

interface Piece {
  readonly text: string
  readonly score: number
}

/**
 * The tokenizer file of llama2.c (github karpathy/llama2.c, tokenizer.py and run.c): a vocabulary of
 * SentencePiece with a score a token. Characters that it lacks are written as their bytes.
 */
export class Llama2cTokenizer {
  static readonly begin = BEGIN
  static readonly end = END
  readonly #pieces: readonly Piece[]
  readonly #ids: ReadonlyMap<string, number>

  private constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces
    // Of equal pieces the first counts.
    this.#ids = new Map(pieces.map(({ text }, id) => [text, id] as const).toReversed())
  }

  /** The file: the longest length, then for each token its score, its length and its bytes. */
  static read(bytes: Uint8Array): Llama2cTokenizer {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const pieces: Piece[] = []
    for (let offset = 4; offset < bytes.length; ) {
      const length = offset + 8 <= bytes.length ? view.getInt32(offset + 4, true) : -1
      const end = offset + 8 + length
      if (length < 0 || end > bytes.length || pieces.length === VOCABULARY_MAX) {
        throw new GainnetError(
          'MODEL_CORRUPT',
          `the tokenizer file is cut off or none of llama2.c, at byte ${offset}`,
          { offset },
        )
      }
      const score = view.getFloat32(offset, true)
      pieces.push({ score, text: Buffer.from(bytes.subarray(offset + 8, end)).toString() })
      offset = end
    }
    return new Llama2cTokenizer(pieces)
  }

  get vocabularySize(): number {
    return this.#pieces.length
  }

  /** The tokens of a text, without the one it begins with. */
  encode(text: string): Int32Array {
    if (text === '') return new Int32Array()
    // Each text begins with a space, so that a word has one form at the start and elsewhere.
    const characters = Array.from(` ${text}`).flatMap(character => {
      const id = this.#ids.get(character)
      return id === undefined ? [...Buffer.from(character)].map(byteToken) : [id]
    })
    return mergePairs(characters, (left, right) => {
      const token = this.#ids.get(this.#textOf(left) + this.#textOf(right))
      return token === undefined ? undefined : { token, score: this.#pieces[token]?.score ?? 0 }
    })
  }

  /** The text of tokens, up to the one that ends it; the space in front of all is left out. */
  decode(tokens: ArrayLike<number>): string {
    const all = Array.from(tokens)
    const end = all.findIndex((token, place) => token === END || (token === BEGIN && place > 0))
    const shown = all.slice(all[0] === BEGIN ? 1 : 0, end === -1 ? undefined : end)
    const bytes = Buffer.concat(shown.map(token => this.#bytesOf(token)))
    const text = bytes.toString('utf8')
    return text.startsWith(' ') ? text.slice(1) : text
  }

  #textOf(token: number): string {
    return this.#pieces[token]?.text ?? ''
  }

  #bytesOf(token: number): Buffer {
    const text = this.#textOf(token)
    const [, byte] = /^<0x([0-9A-Fa-f]{2})>$/.exec(text) ?? []
    return byte === undefined ? Buffer.from(text) : Buffer.from(byte, 'hex')
  }
}

function byteToken(byte: number): number {
  return BYTE_TOKENS_START + byte
}
