/** What the bytes at hand begin with. `bytes` is how many of them that takes. */
export type Look<Reading> =
  | {
      readonly is: 'reading'
      readonly bytes: number
      readonly name: string
      readonly reading: Reading
    }
  /** Sound, and of no use to this driver. */
  | { readonly is: 'other'; readonly bytes: number; readonly name: string }
  /** Begins as a message does and is none. */
  | { readonly is: 'dropped'; readonly bytes: number; readonly reason: string }
  | { readonly is: 'noise'; readonly bytes: number }
  /** The start of what may become a message. */
  | { readonly is: 'unfinished' }

export interface Tally {
  readonly bytes: number
  /** Between messages, or left of a message that was dropped. */
  readonly noiseBytes: number
  readonly readings: Readonly<Record<string, number>>
  readonly others: Readonly<Record<string, number>>
  readonly dropped: Readonly<Record<string, number>>
}

/** Names of messages come from the line: noise must not fill the memory with new ones. */
const NAMES_MAX = 64

/**
 * Bytes in, readings out, however the line cut them. Whatever is no message is counted and skipped
 * up to where one can begin again; it never ends the stream.
 */
export class StreamDecoder<Reading> {
  readonly #look: (bytes: Buffer) => Look<Reading>
  readonly #messageBytesMax: number
  #pending: Buffer = Buffer.alloc(0)
  #bytes = 0
  #noiseBytes = 0
  readonly #readings = new Map<string, number>()
  readonly #others = new Map<string, number>()
  readonly #dropped = new Map<string, number>()

  /** `look` is never given no bytes, and says `unfinished` of at most `messageBytesMax`. */
  constructor(options: {
    readonly look: (bytes: Buffer) => Look<Reading>
    readonly messageBytesMax: number
  }) {
    this.#look = options.look
    this.#messageBytesMax = options.messageBytesMax
  }

  get tally(): Tally {
    return {
      bytes: this.#bytes,
      noiseBytes: this.#noiseBytes,
      readings: Object.fromEntries(this.#readings),
      others: Object.fromEntries(this.#others),
      dropped: Object.fromEntries(this.#dropped),
    }
  }

  push(chunk: Uint8Array): readonly Reading[] {
    this.#bytes += chunk.length
    const bytes = Buffer.concat([this.#pending, chunk])
    const readings: Reading[] = []
    let at = 0
    while (at < bytes.length) {
      const rest = bytes.subarray(at)
      const look = this.#look(rest)
      if (look.is === 'unfinished') {
        if (rest.length <= this.#messageBytesMax) break
        count(this.#dropped, 'too long')
        at += 1
        continue
      }
      if (look.is === 'reading') {
        readings.push(look.reading)
        count(this.#readings, look.name)
      } else if (look.is === 'other') count(this.#others, look.name)
      else if (look.is === 'dropped') count(this.#dropped, look.reason)
      else this.#noiseBytes += look.bytes
      at += look.bytes
    }
    // A copy: the rest must not keep a chunk of the line alive.
    this.#pending = Buffer.from(bytes.subarray(at))
    return readings
  }

  /** The line has ended: what was begun comes to nothing. */
  finish(): void {
    if (this.#pending.length > 0) count(this.#dropped, 'cut off at the end')
    this.#pending = Buffer.alloc(0)
  }
}

function count(counts: Map<string, number>, name: string): void {
  const known = counts.has(name) || counts.size < NAMES_MAX ? name : 'more'
  counts.set(known, (counts.get(known) ?? 0) + 1)
}
