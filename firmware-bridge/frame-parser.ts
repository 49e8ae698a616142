import { Transform, type TransformCallback } from 'node:stream'
import { DELIMITER, decodeFrame, PAYLOAD_BYTES_MAX } from './frame-codec.ts'

/** The longest frame, stuffed; whatever is longer than that without a delimiter is noise. */
const PENDING_BYTES_MAX = PAYLOAD_BYTES_MAX + 16

export interface FrameCounts {
  readonly frames: number
  readonly checksum: number
  readonly stuffing: number
  readonly truncated: number
  readonly overrun: number
}

/** Bytes in, frames out. Line noise is counted and skipped; it never ends the stream. */
export class FrameParser extends Transform {
  readonly #counts = { frames: 0, checksum: 0, stuffing: 0, truncated: 0, overrun: 0 }
  #pending: Buffer = Buffer.alloc(0)
  /** Since an overrun: the rest of the noise, up to its delimiter, is no frame either. */
  #isSkipping = false

  constructor() {
    super({ readableObjectMode: true })
  }

  get counts(): FrameCounts {
    return { ...this.#counts }
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#pending = Buffer.concat([this.#pending, chunk])
    let end = this.#pending.indexOf(DELIMITER)
    while (end !== -1) {
      this.#take(this.#pending.subarray(0, end))
      this.#pending = this.#pending.subarray(end + 1)
      end = this.#pending.indexOf(DELIMITER)
    }
    if (this.#pending.length > PENDING_BYTES_MAX) this.#dropOverrun()
    done()
  }

  #take(stuffed: Uint8Array): void {
    const isRestOfNoise = this.#isSkipping
    this.#isSkipping = false
    // Delimiters may stand in a row: a sender that starts with one ends the noise before it.
    if (isRestOfNoise || stuffed.length === 0) return
    const decoded = decodeFrame(stuffed)
    if (!decoded.ok) {
      this.#counts[decoded.reason] += 1
      return
    }
    this.#counts.frames += 1
    this.push(decoded.frame)
  }

  #dropOverrun(): void {
    if (!this.#isSkipping) this.#counts.overrun += 1
    this.#isSkipping = true
    this.#pending = Buffer.alloc(0)
  }
}
