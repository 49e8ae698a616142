/**
 * Cuts the output of ffmpeg into pictures. Two pictures are held, whatever comes: the one that is
 * being filled, and the last whole one.
 */
export class ImageSplitter {
  readonly #onImage: (image: Uint8Array, isSame: boolean) => void
  readonly #firstAt: number
  #filling: Buffer
  #last: Buffer
  #filled = 0
  #count = 0

  /**
   * `firstAt`: place in the picture of the first byte that comes; after the end goes on at the start.
   * A picture is valid until the next one has come: who keeps it copies it. `isSame`: no byte of it
   * differs from the one before.
   */
  constructor(options: {
    readonly imageBytes: number
    readonly firstAt: number
    readonly onImage: (image: Uint8Array, isSame: boolean) => void
  }) {
    this.#onImage = options.onImage
    this.#firstAt = options.firstAt
    this.#filling = Buffer.alloc(options.imageBytes)
    this.#last = Buffer.alloc(options.imageBytes)
  }

  push(bytes: Uint8Array): void {
    const imageBytes = this.#filling.length
    for (let at = 0; at < bytes.length; ) {
      const place = (this.#filled + this.#firstAt) % imageBytes
      const room = Math.min(imageBytes - place, imageBytes - this.#filled)
      const part = bytes.subarray(at, at + room)
      this.#filling.set(part, place)
      this.#filled += part.length
      at += part.length
      if (this.#filled === imageBytes) this.#complete()
    }
  }

  #complete(): void {
    const image = this.#filling
    const isSame = this.#count > 0 && image.equals(this.#last)
    this.#filling = this.#last
    this.#last = image
    this.#filled = 0
    this.#count += 1
    this.#onImage(image, isSame)
  }
}
