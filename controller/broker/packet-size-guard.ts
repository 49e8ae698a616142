/**
 * Watches the bytes of one MQTT connection for the length that each packet announces in its fixed
 * header (MQTT 3.1.1, 2.2.3). The broker's parser would collect up to 256 MiB before it looks; with
 * this, a packet that is too large is known from its first five bytes.
 */
export class PacketSizeGuard {
  readonly #bytesMax: number
  #bodyLeft = 0
  #length = 0
  /** Bytes of the fixed header that were read: the type first, then one to four of the length. */
  #headerBytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Whether all that is announced up to the end of this chunk is allowed. */
  accepts(chunk: Uint8Array): boolean {
    let offset = 0
    while (offset < chunk.length) {
      if (this.#bodyLeft > 0) {
        const skipped = Math.min(this.#bodyLeft, chunk.length - offset)
        this.#bodyLeft -= skipped
        offset += skipped
      } else if (!this.#acceptsHeaderByte(chunk[offset++] ?? 0)) return false
    }
    return true
  }

  #acceptsHeaderByte(byte: number): boolean {
    this.#headerBytes += 1
    if (this.#headerBytes === 1) return true
    this.#length += (byte & 0x7f) * 128 ** (this.#headerBytes - 2)
    if (this.#length > this.#bytesMax) return false
    if (byte & 0x80) return this.#headerBytes < 5
    this.#bodyLeft = this.#length
    this.#length = 0
    this.#headerBytes = 0
    return true
  }
}
