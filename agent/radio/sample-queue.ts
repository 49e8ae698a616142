import { type Deferred, deferred } from '../../runtime/deferred.ts'

/** Part of a stream of samples: some bytes of it, or how many are lost at this place. */
export type StreamPart =
  | { readonly is: 'bytes'; readonly bytes: Uint8Array }
  | { readonly is: 'gap'; readonly bytes: number }

/**
 * Between a radio that never waits and a reader that sometimes does. What comes while it is full is
 * dropped, and the gap kept in its place, so that time does not shift. For one reader.
 */
export class SampleQueue {
  readonly #bytesMax: number
  #parts: StreamPart[] = []
  #heldBytes = 0
  #droppedBytes = 0
  #waiting: Deferred<void> | undefined
  #isEnded = false
  #failure: Error | undefined

  constructor({ bytesMax }: { readonly bytesMax: number }) {
    this.#bytesMax = bytesMax
  }

  get droppedBytes(): number {
    return this.#droppedBytes
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  push(bytes: Uint8Array): void {
    if (this.#isEnded || bytes.length === 0) return
    if (this.#heldBytes + bytes.length <= this.#bytesMax) {
      this.#heldBytes += bytes.length
      this.#parts.push({ is: 'bytes', bytes })
    } else this.#drop(bytes.length)
    this.#wake()
  }

  /** No more comes; with a reason, the reader is told after what is still held. */
  end(failure?: Error): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#failure = failure
    this.#wake()
  }

  async *parts(): AsyncGenerator<StreamPart, void, void> {
    for (;;) {
      const part = this.#parts.shift()
      if (part) {
        if (part.is === 'bytes') this.#heldBytes -= part.bytes.length
        yield part
      } else if (this.#isEnded) {
        if (this.#failure) throw this.#failure
        return
      } else {
        this.#waiting ??= deferred()
        await this.#waiting.promise
      }
    }
  }

  #drop(bytes: number): void {
    this.#droppedBytes += bytes
    const last = this.#parts.at(-1)
    // One gap however long it is: a reader that never comes must not cost memory either.
    if (last?.is === 'gap') this.#parts[this.#parts.length - 1] = gap(last.bytes + bytes)
    else this.#parts.push(gap(bytes))
  }

  #wake(): void {
    this.#waiting?.resolve()
    this.#waiting = undefined
  }
}

function gap(bytes: number): StreamPart {
  return { is: 'gap', bytes }
}
